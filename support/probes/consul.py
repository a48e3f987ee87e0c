"""What Consul itself says of a service, on a connection of the suite's own that no fault of a node touches."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import requests

from support.containers.service import Store
from support.errors import ProbeError

_ANSWERS_WITHIN_S = 5.0
PASSING, WARNING, CRITICAL = "passing", "warning", "critical"  # from the best to the worst
_ORDER = (PASSING, WARNING, CRITICAL)


class Registered(NamedTuple):
    """An instance that is registered. `status` is that of the worst of its checks.

    `since` is the number of the change that put it in: another one, if it was taken out and put in again.
    """

    id: str
    address: str
    port: int
    status: str
    since: int


class ConsulProbe:
    """A look into one Consul. Each method raises ProbeError when it does not answer within 5 s, or refuses."""

    def __init__(self, server: Store) -> None:
        self._url = server.url(*server.address())
        self._http = requests.Session()
        self._http.trust_env = False

    def registered(self, service: str) -> list[Registered]:
        """The instances of `service`, whatever their checks say."""
        return [_read(entry) for entry in self._ask("GET", f"/v1/health/service/{service}").json()]

    def index(self, service: str) -> int:
        """The number of the last change of `service`, by which whoever waits for the next one waits."""
        return int(self._ask("GET", f"/v1/health/service/{service}").headers["X-Consul-Index"])

    def register(
        self, service: str, node: str, address: str, port: int, status: str = PASSING, tags: Sequence[str] = ()
    ) -> None:
        """Puts an instance of `service` into the catalogue under the name `node`, whose check is `status` for ever."""
        entry = {"ID": node, "Service": service, "Address": address, "Port": port, "Tags": list(tags)}
        check = {"Node": node, "CheckID": node, "Name": node, "ServiceID": node, "Status": status}
        said = {"Node": node, "Address": "127.0.0.1", "Service": entry, "Check": check}
        self._ask("PUT", "/v1/catalog/register", said)

    def deregister(self, node: str) -> None:
        """Takes `node` out of the catalogue with all that is on it."""
        self._ask("PUT", "/v1/catalog/deregister", {"Node": node})

    def forget(self, instance: str) -> None:
        """Takes the instance with the id `instance` out of the agent, as if it had said goodbye."""
        self._ask("PUT", f"/v1/agent/service/deregister/{instance}")

    def close(self) -> None:
        """Gives the connection back."""
        self._http.close()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        try:
            answer = self._http.request(method, self._url + path, json=body, timeout=_ANSWERS_WITHIN_S)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise ProbeError(f"Consul did not answer {method} {path}: {error}") from error
        return answer


def _read(entry: Mapping[str, Any]) -> Registered:
    service = entry["Service"]
    worst = max((check["Status"] for check in entry["Checks"]), key=_ORDER.index, default=PASSING)
    return Registered(service["ID"], service["Address"], service["Port"], worst, service["CreateIndex"])
