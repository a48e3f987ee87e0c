"""Consul: one agent that is server and client in one and keeps all in memory, so that a restart loses everything."""

from typing import Any, ClassVar

import requests

from support.containers.service import MIB, Limits, Store
from support.errors import FleetError
from support.origin import no_answer
from support.polling import poll

_OWN = "consul"  # the service that every server registers for itself
_EMPTIED_WITHIN_S = 5.0


class ConsulService(Store):
    """One agent in development mode. Its DNS (8600) is for the fleet's network alone, and passes no link."""

    kind = "consul"
    port = 8500
    limits = Limits(memory=256 * MIB, cpus=1, pids=128)
    # The official image's entrypoint names a folder for data before these words, and then services that the agent has
    # registered come back after a restart, also in development mode.
    command: ClassVar[list[str]] = ["agent", "-dev", "-client=0.0.0.0", "-data-dir="]
    question = "GET /v1/status/leader"
    setting = "CONSUL_URL"

    @staticmethod
    def url(host: str, port: int) -> str:
        """http://host:port."""
        return f"http://{host}:{port}"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the agent knows a leader, without which it registers nothing."""
        with no_answer(requests.RequestException):
            return bool(_asked("GET", self.url(host, port) + "/v1/status/leader", timeout_s))
        return False

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """Whether Consul's own client, run inside the container, is told of the data centre."""
        ask = ["consul", "catalog", "datacenters", f"-http-addr={self.url(host, port)}"]
        return bool(self.exec(["timeout", f"{within_s:g}", *ask]).output.strip() == b"dc1")

    def _emptied(self) -> object:
        """Takes every service out of the agent, and every node but the agent's own out of the catalogue."""
        try:
            for service in self._ask("GET", "/v1/agent/services"):
                self._ask("PUT", f"/v1/agent/service/deregister/{service}")
            own = self._ask("GET", "/v1/agent/self")["Config"]["NodeName"]
            for node in self._ask("GET", "/v1/catalog/nodes"):
                if node["Node"] != own:
                    self._ask("PUT", "/v1/catalog/deregister", {"Node": node["Node"]})
            # What the agent has taken out leaves the catalogue a moment later.
            poll(lambda: not self._left(), _EMPTIED_WITHIN_S)
            return self._left()
        except (requests.RequestException, KeyError) as error:
            raise FleetError(f"{self.name} was not emptied: {error}") from error

    def _left(self) -> list[str]:
        return [name for name in self._ask("GET", "/v1/catalog/services") if name != _OWN]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        return _asked(method, self.url(*self.address()) + path, 5.0, body)


def _asked(method: str, url: str, timeout_s: float, body: object = None) -> Any:
    """The answer as JSON, None where it is empty. Raises requests.RequestException, also when it is refused."""
    with requests.Session() as http:
        http.trust_env = False
        answer = http.request(method, url, json=body, timeout=timeout_s)
        answer.raise_for_status()
        return answer.json() if answer.content else None
