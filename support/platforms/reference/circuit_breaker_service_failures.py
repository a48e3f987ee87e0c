"""Circuit breakers of the reference platform: its routes, its statuses, its metrics."""

import re
import socket
import struct
from collections.abc import Mapping
from urllib.parse import urlsplit

from support.capabilities.circuit_breaker_service_failures.client import Outcome, Reply, State, Waiting
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 100
_OUTCOMES = {
    **dict.fromkeys((200, *range(400, 500)), Outcome.ANSWERED),
    502: Outcome.FAILED,
    504: Outcome.FAILED,
    503: Outcome.NOT_ASKED,
}
_EARLIER = "detail=fallback"
_STATES = {"closed": State.CLOSED, "open": State.OPEN, "half-open": State.HALF_OPEN}
_TRANSITION = re.compile(r'breaker_transitions_total\{after="(.+?)",before="(.+?)",service="(.+?)"\} (\S+)')


class Adapter(NodeClient):
    """One gateway, as its callers know it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)

    def call(self, service: str, label: str) -> Reply:
        """GET, and what came of it."""
        answer = self.ask("GET", f"/services/{service}/{label}")
        if answer.status_code not in _OUTCOMES:
            broken(f"{self.name} answered a call by {answer.status_code}: {answer.text}")
        outcome, wait = _OUTCOMES[answer.status_code], answer.headers.get("Retry-After", "")
        if outcome is Outcome.ANSWERED and _EARLIER in answer.headers.get("Cache-Status", ""):
            outcome = Outcome.ANSWERED_EARLIER
        return Reply(outcome, answer.text, int(wait) if wait.isdecimal() else None)

    def begin(self, service: str, label: str) -> Waiting:
        """The request on a connection of its own."""
        return _Waiting(self._url, f"/services/{service}/{label}")

    def transitions(self, service: str) -> Mapping[tuple[State, State], int]:
        """The counters of Prometheus."""
        text = self.ask("GET", f"/services/{service}/metrics").text
        found = [match.groups() for match in _TRANSITION.finditer(text)]
        return {(_STATES[was], _STATES[now]): int(float(n)) for now, was, whose, n in found if whose == service}


class _Waiting:
    """A connection on which a request was sent."""

    def __init__(self, url: str, path: str) -> None:
        where = urlsplit(url)
        self._socket = socket.create_connection((where.hostname, where.port), 5)
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())

    def hang_up(self) -> None:
        """A reset instead of a polite end (socket(7), SO_LINGER)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
