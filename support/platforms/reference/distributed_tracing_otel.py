"""Tracing of the reference platform: its routes, its statuses, the names of its attributes."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from websocket import WebSocketException

from support.capabilities.distributed_tracing_otel.client import NOTHING, Line, Names, Order, Outcome, Said
from support.clients.node_client import NodeClient
from support.clients.websocket_client import dial
from support.origin import blame
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 200
_WITHIN_S = 10.0
_OUTCOMES = {
    200: Outcome.TAKEN,
    202: Outcome.TAKEN,
    404: Outcome.NO_SUCH_ARTICLE,
    500: Outcome.FAILED,
    502: Outcome.FAILED,
}
_INSIDE = ("service", "small service")


class Adapter(NodeClient):
    """One node, as its callers know it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)
        self._door = door
        self._orders = "checkout" if door.role in _INSIDE else "orders"

    def order(self, order: Order, said: Said = NOTHING) -> Outcome:
        """POST, with the tenant and the card in the body, and the token in the query."""
        path = f"/{self._orders}/{order.label}?token={quote(order.token)}"
        return self._told(self._ask("POST", path, said, order.password, _body(order)))

    def look(self, order: Order, said: Said = NOTHING) -> Outcome:
        """GET, with the tenant and the token in the query."""
        query = f"tenant={quote(order.tenant)}&token={quote(order.token)}"
        return self._told(self._ask("GET", f"/goods/{order.label}?{query}", said, order.password))

    def line(self, token: str, said: Said = NOTHING) -> Line:
        """A WebSocket, with the token in the query."""
        return _Live(self._door, token, _headers(said))

    def names(self) -> Names:
        """As it puts them into its baggage, too."""
        return Names("order.id", "tenant.id")

    def lost(self) -> int:
        """The counters of its SDK."""
        return int(self.expect(self.ask("GET", "/telemetry"), 200, "lost")["lost"])

    def _told(self, status: int) -> Outcome:
        if status not in _OUTCOMES:
            broken(f"{self.name} answered an order by {status}\nthe last exchanges:\n{self._exchanges.last()}")
        return _OUTCOMES[status]

    def _ask(self, method: str, path: str, said: Said, password: str = "", body: Any = None) -> int:
        headers = _headers(said)
        if len(dict(headers)) == len(headers):
            return self.ask(method, path, body, password, dict(headers)).status_code
        own = [("Authorization", f"Bearer {password}"), ("Content-Type", "application/json")]
        return self._ask_twice(method, path, [*headers, *own], b"" if body is None else json.dumps(body).encode())

    def _ask_twice(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> int:
        """The same with headers that stand there more than once, which the client library does not send."""
        where = urlsplit(self._url)
        connection = HTTPConnection(where.hostname or "", where.port, timeout=_WITHIN_S)
        try:
            connection.putrequest(method, path)
            for name, value in [*headers, ("Content-Length", str(len(body)))]:
                connection.putheader(name, value)
            connection.endheaders(body)
            return connection.getresponse().status
        except (HTTPException, OSError) as error:
            blame(error, f"{self.name} gave no answer to {method} {path}: {error}")
        finally:
            connection.close()


_HEADERS = ("traceparent", "tracestate", "baggage")


class _Live:
    """A WebSocket to a gateway."""

    def __init__(self, door: Door, token: str, headers: list[tuple[str, str]]) -> None:
        self._name = door.name
        said = [f"{name}: {value}" for name, value in headers]
        socket = dial(door, f"/live?token={quote(token)}", _WITHIN_S, header=said)
        if isinstance(socket, int):
            broken(f"{door.name} refused a line by {socket}")
        self._socket = socket

    def order(self, order: Order) -> Outcome:
        """A message, and its answer."""
        try:
            self._socket.send(json.dumps({"order": order.label, **_body(order)}))
            said = self._socket.recv()
        except (WebSocketException, OSError) as error:
            blame(error, f"{self._name} did not answer on a line: {error}")
        status = _status_in(said)
        if status not in _OUTCOMES:
            broken(f"{self._name} answered an order on a line by {said!r}")
        return _OUTCOMES[status]

    def close(self) -> None:
        """Closes it."""
        self._socket.close()


def _status_in(said: str | bytes) -> Any:
    """The status in an answer on a line; None where it is no such answer."""
    try:
        answer = json.loads(said)
    except ValueError:
        return None
    return answer.get("status") if isinstance(answer, dict) else None


def _headers(said: Said) -> list[tuple[str, str]]:
    return [(name, value) for name in _HEADERS for value in getattr(said, name)]


def _body(order: Order) -> Mapping[str, str]:
    return {"tenant": order.tenant, "card": order.card}
