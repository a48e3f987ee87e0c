"""Jaeger: keeps traces in memory, takes them by OTLP over HTTP, and shows them by its query API."""

from typing import ClassVar

import requests
from docker.errors import DockerException

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Store
from support.errors import FleetError
from support.origin import no_answer


class JaegerService(Store):
    """One Jaeger. Nodes are told where it takes traces; a feature may have these come by another way."""

    kind = "jaeger"
    port = 4318
    query_port: ClassVar[int] = 16686
    limits = Limits(memory=256 * MIB, cpus=1, pids=256)
    # Else it listens inside its container only.
    environment: ClassVar[dict[str, str]] = {"JAEGER_LISTEN_HOST": "0.0.0.0"}
    question = "POST /v1/traces and GET /api/services"
    setting = "JAEGER_URL"
    linked = False

    def __init__(self, *args: object, **more: object) -> None:
        """As every service; with the port of its query API published too."""
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._published[self.query_port] = 0

    @staticmethod
    def url(host: str, port: int) -> str:
        """http://host:port, the base of OTLP over HTTP."""
        return f"http://{host}:{port}"

    @property
    def query_url(self) -> str:
        """Where the suite asks what it has; the same after a restart."""
        return self.url(*self.address(self.query_port))

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether it takes traces, here none, and shows them; its query API is there before it takes any."""
        with no_answer(requests.RequestException), requests.Session() as http:
            http.trust_env = False
            taken = http.post(self.url(host, port) + "/v1/traces", json={}, timeout=timeout_s)
            return taken.ok and answers_200(*self.address(self.query_port), "/api/services", timeout_s)
        return False

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """Its image has no program that could ask, and no link leads to it."""
        raise FleetError(f"{self.name} cannot be asked from inside its container")

    def _emptied(self) -> object:
        """Starts it anew: what it keeps, it keeps in memory."""
        try:
            self.get_wrapped_container().restart(timeout=1)
        except DockerException as error:
            raise FleetError(f"{self.name} was not emptied: {error}") from error
        self.wait_ready()
        return None
