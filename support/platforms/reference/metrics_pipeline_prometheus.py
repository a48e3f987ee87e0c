"""Metrics and alerts of the reference platform: its routes, statuses, and the names of series and alerts."""

import json
import socket
import struct
import uuid
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from support.capabilities.metrics_pipeline_prometheus.client import (
    Alarm,
    Counted,
    Errand,
    Exposition,
    Outcome,
    Pass,
    Waiting,
)
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient
from support.origin import blame, of_other_side
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 50
_ANSWERS_WITHIN_S = 10.0
_ALONE = {"Connection": "close"}
_PORT = 8000  # by which prometheus.yml names the nodes
_OUTCOMES = {
    200: Outcome.SERVED,
    401: Outcome.REFUSED,
    404: Outcome.NOT_THERE,
    405: Outcome.NOT_THERE,
    429: Outcome.SLOWED_DOWN,
    500: Outcome.CRASHED,
    502: Outcome.NEIGHBOUR_FAILED,
    503: Outcome.CLOSED,
}
_STATUSES = {str(status): outcome for status, outcome in _OUTCOMES.items()} | {
    "broken off": Outcome.BROKEN_OFF,
    "499": Outcome.LEFT,
}
_ROUTES = {
    "/orders": Errand.ORDER,
    "/orders/{order}": Errand.LOOK,
    "/exports/{export}": Errand.EXPORT,
    "other": Errand.NOTHING,
}
_ALERTS = {
    Alarm.ORDER_FAILED: "OrdersFail",
    Alarm.ERRORS: "CustomersGetErrors",
    Alarm.NODE_DOWN: "NodeDown",
    Alarm.SHOP_DOWN: "ShopDown",
    Alarm.BUDGET_BURNS: "ErrorBudgetBurns",
}
_BESIDE: Mapping[Errand, Callable[[str], Sequence[str]]] = {
    Errand.ORDER: lambda path: (f"{path}x", f"{path}-new", path.upper(), f"/v1{path}"),
    Errand.LOOK: lambda path: (f"{path}/lines", path.replace("orders", "order"), path.upper(), f"/v1{path}"),
    Errand.EXPORT: lambda path: (f"{path}/parts", path.rpartition("/")[0], path.replace("/exports", "/exports-of")),
    Errand.NOTHING: lambda path: (f"{path}/more",),
}
_OF_ALL = (Alarm.SHOP_DOWN, Alarm.BUDGET_BURNS)  # nodes together


class Adapter:
    """One node, as customers, operators and whoever is on call know it."""

    def __init__(self, door: Door) -> None:
        self.name, self._door = door.name, door
        self._operator = NodeClient(door)
        self._customers = requests.Session()
        self._customers.trust_env = False
        self._customers.mount("http://", HTTPAdapter(pool_maxsize=_AT_ONCE))
        self._node = f'instance="{door.name}:{_PORT}"'
        issuer = IdentityProvider(door.environment.get("JWT_SECRET", ""))
        self.customer = f"customer-{uuid.uuid4().hex[:12]}"
        self._tokens = {
            Pass.VALID: issuer.token(self.customer, []),
            Pass.EXPIRED: issuer.token(self.customer, [], lifetime_s=-60),
        }

    def ask(self, errand: Errand, label: str, shown: Pass = Pass.VALID) -> Outcome:
        """The request that the errand is."""
        return self._send(*_request(errand, label), shown)

    def glance(self, label: str, shown: Pass = Pass.VALID) -> Outcome:
        """By HEAD."""
        return self._send("HEAD", self.where(Errand.LOOK, label), shown=shown)

    def begin(self, errand: Errand, label: str) -> Waiting:
        """The request on a socket."""
        method, path, body = _request(errand, label)
        return _Waiting(self._door.url, method, path, body, self._tokens[Pass.VALID])

    def wander(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Outcome:
        """The request as it is."""
        return self._send(method, path, more=headers)

    def where(self, errand: Errand, label: str) -> str:
        """The path of the request that the errand is."""
        return _request(errand, label)[1]

    def beside(self, errand: Errand, label: str) -> Sequence[str]:
        """Above, below and beside its path."""
        return _BESIDE[errand](self.where(errand, label))

    def maintain(self, closed: bool) -> None:
        """PUT or DELETE of the sign."""
        answer = self._operator.ask("PUT" if closed else "DELETE", "/maintenance", headers=_ALONE)
        self._operator.expect(answer, 200)

    def exposition(self) -> Exposition:
        """What /metrics answers."""
        answer = self._operator.ask("GET", "/metrics", headers=_ALONE)
        self._operator.expect(answer, 200)
        return Exposition(answer.text, answer.headers.get("Content-Type", ""))

    def counters(self) -> str:
        """One counter, by method, route and status."""
        return f"http_requests_total{{{self._node}}}"

    def series(self, errand: Errand, outcome: Outcome) -> str:
        """With its method, too."""
        status = next(status for status, known in _STATUSES.items() if known is outcome)
        method = "POST" if errand is Errand.ORDER else "GET"
        return f'http_requests_total{{{self._node},method="{method}",route="{_route(errand)}",status="{status}"}}'

    def means(self, labels: Mapping[str, str]) -> Counted:
        """By route and status."""
        return Counted(_ROUTES.get(labels.get("route", "")), _STATUSES.get(labels.get("status", "")))

    def share_of_errors(self, errand: Errand) -> str:
        """A recording rule."""
        return f'route:http_requests_failed:ratio_rate2s{{route="{_route(errand)}"}}'

    def buckets(self, errand: Errand) -> str:
        """One histogram, by method and route."""
        return f'http_request_duration_seconds_bucket{{{self._node},route="{_route(errand)}"}}'

    def under_way(self) -> str:
        """One gauge."""
        return f"http_requests_in_flight{{{self._node}}}"

    def up(self) -> str:
        """Prometheus's own."""
        return f"up{{{self._node}}}"

    def alarm(self, alarm: Alarm, errand: Errand | None = None) -> Mapping[str, str]:
        """By name, and by instance and route where it is about one."""
        of_node = {} if alarm in _OF_ALL else {"instance": f"{self.name}:{_PORT}"}
        return {"alertname": _ALERTS[alarm]} | of_node | ({"route": _route(errand)} if errand else {})

    def runbook(self) -> str:
        """As is usual."""
        return "runbook_url"

    def close(self) -> None:
        """Gives the connections back."""
        self._customers.close()
        self._operator.close()

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        shown: Pass = Pass.VALID,
        more: Mapping[str, str] | None = None,
    ) -> Outcome:
        token = self._tokens.get(shown)
        headers = {**_ALONE, **(more or {})} | ({"Authorization": f"Bearer {token}"} if token else {})
        asked = f"{method} {path[:60]}"
        try:
            answer = self._customers.request(
                method, self._door.url + path, json=body, headers=headers, timeout=_ANSWERS_WITHIN_S, stream=True,
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            return self._cut_short(asked, error, Outcome.UNANSWERED)
        try:
            said = answer.text
        except requests.RequestException as error:
            return self._cut_short(asked, error, Outcome.BROKEN_OFF)
        self._door.exchanges.note(self.name, f"{asked} -> {answer.status_code} {said[:60]}")
        if answer.status_code not in _OUTCOMES:
            broken(f"{self.name} answered {asked} by {answer.status_code}: {said[:300]}")
        return _OUTCOMES[answer.status_code]

    def _cut_short(self, asked: str, error: requests.RequestException, outcome: Outcome) -> Outcome:
        self._door.exchanges.note(self.name, f"{asked} -> {error}")
        if isinstance(error, requests.Timeout) or not of_other_side(error):
            blame(error, f"{self.name} gave no answer to {asked}: {error}")
        return outcome


class _Waiting:
    """A connection on which a request was sent."""

    def __init__(self, url: str, method: str, path: str, body: object, token: str) -> None:
        where = urlsplit(url)
        content = b"" if body is None else json.dumps(body).encode()
        lines = (
            *(f"{method} {path} HTTP/1.1", f"Host: {where.netloc}", f"Authorization: Bearer {token}"),
            *("Content-Type: application/json", f"Content-Length: {len(content)}", "Connection: close", "", ""),
        )
        self._socket = socket.create_connection((where.hostname, where.port), 5)
        self._socket.sendall("\r\n".join(lines).encode() + content)

    def begun(self, within_s: float) -> bool:
        """Whether a status line comes; it is left where it is."""
        self._socket.settimeout(within_s)
        try:
            return self._socket.recv(16, socket.MSG_PEEK).startswith(b"HTTP/1.1 ")
        except OSError:
            return False

    def hang_up(self) -> None:
        """A reset instead of a polite end (socket(7), SO_LINGER)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def answered(self, within_s: float) -> bool:
        """Whether a status line comes; the socket is closed."""
        self._socket.settimeout(within_s)
        try:
            return self._socket.recv(16).startswith(b"HTTP/1.1 ")
        except OSError:
            return False
        finally:
            self._socket.close()


def _request(errand: Errand, label: str) -> tuple[str, str, object]:
    match errand:
        case Errand.ORDER:
            return "POST", "/orders", {"order": label}
        case Errand.LOOK:
            return "GET", f"/orders/{label}", None
        case Errand.EXPORT:
            return "GET", f"/exports/{label}", None
        case Errand.NOTHING:
            return "GET", f"/nothing/{label}", None


def _route(errand: Errand) -> str:
    return next(route for route, known in _ROUTES.items() if known is errand)
