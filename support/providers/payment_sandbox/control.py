"""What the suite may tell and ask the payment sandbox besides what it may of every provider."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from . import balance
from .books import Books, Object
from .cycle import Cycle
from .idempotency import Idempotency
from .outbox import Endpoint, Letter, Outbox, letter
from .planting import Planting
from .signature import Sign
from .sums import sums


class Control:
    """The sandbox's own part of the control port."""

    def __init__(self, books: Books, outbox: Outbox, planting: Planting, cycle: Cycle, keys: Idempotency) -> None:
        self._books, self._outbox, self._planting, self._cycle, self._keys = books, outbox, planting, cycle, keys

    @property
    def routes(self) -> list[BaseRoute]:
        """Its addresses."""
        return [
            Route("/settings", self.settings, methods=["POST"]),
            Route("/endpoints", self.endpoints, methods=["PUT"]),
            Route("/outbox", self.outbox),
            Route("/outbox", self.hold, methods=["POST"]),
            Route("/outbox/release", self.release, methods=["POST"]),
            Route("/deliveries", self.attempts),
            Route("/deliveries", self.deliver, methods=["POST"]),
            Route("/clock", self.clock),
            Route("/clock", self.wind, methods=["POST"]),
            Route("/keys", self.expire, methods=["DELETE"]),
            Route("/plant", _told(self._planting.plant), methods=["POST"]),
            Route("/act", _told(self._planting.act), methods=["POST"]),
            Route("/objects/{id}", self.object),
            Route("/sums", self.sums),
            Route("/audit", self.audit),
        ]

    async def settings(self, request: Request) -> Response:
        """Changes settings, the members of Settings, that are said."""
        self._books.settings = self._books.settings.changed(await request.json())
        return JSONResponse(vars(self._books.settings))

    async def endpoints(self, request: Request) -> Response:
        """[{name, url, secrets}, ...]: where webhooks go from now on."""
        said = await request.json()
        self._outbox.endpoints = [Endpoint(one["name"], one["url"], tuple(one["secrets"])) for one in said]
        return JSONResponse({})

    async def outbox(self, _: Request) -> Response:
        """The events that are held."""
        return JSONResponse({"events": list(self._outbox.held.values())})

    async def hold(self, request: Request) -> Response:
        """{hold: true, match: {type, order, customer}} holds events from now on; {hold: false} lets all go."""
        said = await request.json()
        self._outbox.hold(said.get("match", {}) if said["hold"] else None)
        return JSONResponse({})

    async def release(self, request: Request) -> Response:
        """{groups: [[event, ...], ...], to: [endpoint, ...], gap_ms}: one group after the other, each at once."""
        said = await request.json()
        gap_s = said.get("gap_ms", 0) / 1000
        return JSONResponse({"attempts": await self._outbox.release(said["groups"], said.get("to", []), gap_s)})

    async def attempts(self, request: Request) -> Response:
        """Every attempt to deliver: ?event=, order=, customer=, node=, type=."""
        return JSONResponse({"attempts": self._outbox.matching(request.query_params)})

    async def deliver(self, request: Request) -> Response:
        """{event, times, to, sign, patch, flip_byte, raw}: delivers now, all at once, and never again by itself.

        `patch` changes the event before it is signed, `raw` replaces its bytes; `flip_byte` changes one after that.
        """
        said = await request.json()
        one = letter(self._books.get("event", said["event"]), said.get("patch"))
        raw = said["raw"].encode() if "raw" in said else one.body
        one = Letter(one.event, raw, Sign.told(said.get("sign", "ok")), said.get("flip_byte"))
        nodes = self._outbox.to(said.get("to", []))
        many = [self._outbox.deliver(one, nodes[number % len(nodes)]) for number in range(said.get("times", 1))]
        return JSONResponse({"attempts": await asyncio.gather(*many)})

    async def clock(self, request: Request) -> Response:
        """?customer=: the time by the customer's clock, in seconds since the epoch."""
        return JSONResponse({"now": self._books.now(request.query_params.get("customer"))})

    async def wind(self, request: Request) -> Response:
        """{new_customers: SECONDS or null}: who comes from now on has a clock of their own that stands there.

        {customer, to: SECONDS}: winds the clock of one forward; everything that is due by then is done, in order.
        """
        said = await request.json()
        if "customer" in said:
            return JSONResponse({"now": self._cycle.advance(said["customer"], said["to"])})
        self._books.first_moment = said["new_customers"]
        return JSONResponse({})

    async def expire(self, request: Request) -> Response:
        """?key=: that idempotency key, or every one, is as if it had never been used."""
        self._keys.expire(request.query_params.get("key"))
        return JSONResponse({})

    async def object(self, request: Request) -> Response:
        """An object as it is now, of whatever kind."""
        found = self._books.find(request.path_params["id"])
        return JSONResponse(found or {"error": "no such object"}, 200 if found else 404)

    async def sums(self, request: Request) -> Response:
        """?order=, customer=: what really moved."""
        asked = request.query_params
        return JSONResponse(sums(self._books, asked.get("order"), asked.get("customer")))

    async def audit(self, _: Request) -> Response:
        """Whether the books add up."""
        return JSONResponse(balance.audit(self._books))


def _told(do: Callable[[Any], Object]) -> Callable[[Request], Any]:
    """An address that does what it is told, and answers the object that came of it."""

    async def told(request: Request) -> Response:
        return JSONResponse(do(await request.json()))

    return told
