"""The gateway: calls to other services, each behind a breaker of its own on each node.

What a caller gets: the service's own answer, a 404 or 429 included; 502 where it failed, 504 where it took too long;
503 with Retry-After where it was not asked at all. In the place of these three, an answer that the service gave lately
to the same question, which is labelled (Cache-Status, RFC 9211).
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress

import httpx2
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..settings import Settings
from .breaker import Breaker, OpenError, Outcome
from .earlier import EarlierAnswers
from .settings import BreakerSettings

CALLER_IS_GONE = 499  # nobody reads it
EARLIER = {"Cache-Status": "gateway; hit; detail=fallback"}


class Capability(Collector):
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = BreakerSettings.load(environ)
        self._breakers: defaultdict[str, Breaker] = defaultdict(lambda: Breaker(self._settings))
        self._earlier = EarlierAnswers(self._settings.fallback_longest_s)
        # Calls of one service wait for no connection that calls of another one hold: what bounds them is the time-out.
        limits = httpx2.Limits(max_connections=None)
        self._upstream = httpx2.AsyncClient(base_url=self._settings.upstream_url, timeout=None, limits=limits)
        self._metrics = CollectorRegistry()
        self._metrics.register(self)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        return [
            Route("/services/{service}/metrics", self._show_metrics),
            Route("/services/{service}/{path:path}", self._call),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections to the services."""
        async with self._upstream:
            yield

    async def healthy(self) -> bool:
        """A node whose neighbours fail is well."""
        return True

    def counts(self) -> dict[str, int]:
        """How many services it has been asked for."""
        return {"breakers": len(self._breakers)}

    def collect(self) -> list[Metric]:
        """The transitions of all breakers, for Prometheus."""
        told = CounterMetricFamily("breaker_transitions", "Changes of state.", labels=["service", "before", "after"])
        for service, breaker in self._breakers.items():
            for (before, after), count in breaker.transitions.items():
                told.add_metric([service, before.value, after.value], count)
        return [told]

    async def _show_metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._metrics), media_type=CONTENT_TYPE_LATEST)

    async def _call(self, request: Request) -> Response:
        service, path = request.path_params["service"], _asked_for(request)
        breaker = self._breakers[service]
        try:
            admission = breaker.admit()
        except OpenError as error:
            wait = {"Retry-After": str(math.ceil(error.wait_s))}
            return self._earlier_or(Response("not asked", 503, wait), f"/{service}/{path}")
        outcome = Outcome.NEITHER  # as it stays when the caller hangs up
        try:
            answer, outcome = await _while_listened_to(request, self._ask(f"/{service}/{path}"))
        except CallerGoneError:
            return Response(status_code=CALLER_IS_GONE)
        finally:
            breaker.record(admission, outcome)
        return answer

    async def _ask(self, path: str) -> tuple[Response, Outcome]:
        """The answer for the caller, read to its end, and what it says of the service."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.call_timeout_s):
                answer = await self._upstream.get(path)
        except TimeoutError:
            return self._earlier_or(Response("took too long", 504), path), Outcome.FAILURE
        except httpx2.HTTPError:
            return self._earlier_or(Response("broke off", 502), path), Outcome.FAILURE
        if answer.status_code >= 500:
            return self._earlier_or(Response("failed", 502), path), Outcome.FAILURE
        if answer.is_success:
            self._earlier.keep(path, answer.content)
        # What the caller asked for in vain, or too often, is no fault of the service's.
        slow = time.monotonic() - began >= self._settings.call_slow_s
        return Response(answer.content, answer.status_code), Outcome.FAILURE if slow else Outcome.SUCCESS

    def _earlier_or(self, refusal: Response, path: str) -> Response:
        """What the service answered lately, labelled as that; the `refusal` where there is no such answer."""
        earlier = self._earlier.find(path)
        return refusal if earlier is None else Response(earlier, headers=EARLIER)


def _asked_for(request: Request) -> str:
    """What the service is asked for, with the query, as the caller spelt it: prices%3Fpage=1 is not prices?page=1."""
    path = request.scope["raw_path"].decode("ascii").split("/", 3)[3]  # below /services/{service}
    return f"{path}?{request.url.query}" if request.url.query else str(path)


class CallerGoneError(Exception):
    """Whoever asked has hung up."""


async def _while_listened_to(request: Request, work: Awaitable[tuple[Response, Outcome]]) -> tuple[Response, Outcome]:
    """What `work` gives; it is given up when the caller hangs up, and CallerGoneError is raised."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerGoneError
        return working.result()
    finally:
        gone.cancel()
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
