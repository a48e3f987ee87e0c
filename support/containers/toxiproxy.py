"""Toxiproxy: every link between a node and a service passes through it, so that a link can be cut or slowed.

The suite has a link of its own to each service, with the same hops as a node's: a baseline, and a place to see a
fault take hold from.
"""

from typing import Any, ClassVar

import requests

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Service
from support.errors import FaultError

FIRST_LINK = 7000


class ToxiproxyService(Service):
    """One Toxiproxy server; its API (JSON over HTTP) is the port 8474."""

    kind = "toxiproxy"
    port = 8474
    limits = Limits(memory=128 * MIB, cpus=1, pids=128)
    command: ClassVar[list[str]] = ["-host=0.0.0.0"]
    question = "GET /version"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the API says its version."""
        return answers_200(host, port, "/version", timeout_s)

    def link(self, name: str, port: int, store: Service) -> None:
        """Opens the link `name`: what connects to `port` of Toxiproxy reaches `store`. Raises FaultError."""
        upstream = f"{store.name}:{store.port}"
        self.call(
            "POST",
            "/proxies",
            {"name": name, "listen": f"0.0.0.0:{port}", "upstream": upstream, "enabled": True},
        )

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request to the API; returns its answer as JSON, or None. Raises FaultError when it is refused."""
        host, port = self.address()
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the user's, and a password for every host, are none of its
                answer = session.request(method, f"http://{host}:{port}{path}", json=body, timeout=5)
        except requests.RequestException as error:
            raise FaultError(f"Toxiproxy does not answer {method} {path}: {error}") from error
        if not answer.ok:
            raise FaultError(f"Toxiproxy refused {method} {path}: {answer.status_code} {answer.text.strip()}")
        return answer.json() if answer.content else None
