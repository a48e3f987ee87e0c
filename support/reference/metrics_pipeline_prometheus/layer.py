"""The outermost layer: whatever a customer gets passes through it, and is counted once, when it has ended."""

import time
from collections.abc import Sequence

import anyio
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import meters

OTHER = "other"  # a path or a method that we do not have: callers invent them without end


class Metered:
    """Counts the requests of `app`, which answers to `routes`."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app, self._routes = app, routes
        meters.declare([(OTHER, OTHER), *[(method, r.path) for r in routes for method in sorted(r.methods or ())]])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange, labels, began = Exchange(receive, send), self._labels(scope), time.perf_counter()
        meters.in_flight.inc()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            meters.in_flight.dec()
            meters.requests.labels(*labels, exchange.ending).inc()
            meters.seconds.labels(*labels).observe(time.perf_counter() - began)

    def _labels(self, scope: Scope) -> tuple[str, str]:
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                return scope["method"], route.path
        return OTHER, OTHER


class Exchange:
    """One request and its answer, and what of it has gone over the wire."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._status = "500"  # an application that fails without a word is answered for by the server
        self._begun = self._whole = self._left = False

    @property
    def ending(self) -> str:
        """How it ended: by a status, broken off, or left by the customer."""
        if self._left:
            return meters.LEFT
        return meters.BROKEN_OFF if self._begun and not self._whole else self._status

    async def receive(self) -> Message:
        """What the customer says; one who hangs up before the end of the answer has left."""
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._whole:
            self._left = True
        return message

    async def send(self, message: Message) -> None:
        """Sends a part of the answer; nobody is there any more when the customer has hung up meanwhile."""
        if message["type"] == "http.response.start":
            self._status, self._begun = str(message["status"]), True
            with anyio.CancelScope() as at_once:
                at_once.cancel()
                await self.receive()
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._whole = True
