"""A gateway: calls of a service go to its healthy instances in turn.

What a caller gets: the instance's own answer; 404 for a service, or a tag of it, that nobody has registered; 503 where
there is an instance and none could be reached; 502 where one was asked and gave no answer, which may not be repeated.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..unavailable import UnavailableError
from .names import Names
from .settings import DiscoverySettings
from .watch import Place, Watch

CONNECTS_WITHIN_S = 0.5
FIRST_ANSWER_WITHIN_S = 2.0
CONNECTIONS = 200
MISDIRECTED = 421
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # of a service or tag, that it may be one in DNS (RFC 1123)


class Gateway:
    """One gateway. It watches each service from its first call on."""

    def __init__(self, settings: DiscoverySettings) -> None:
        self._settings = settings
        self._names = Names(settings.discovery_dns)
        self._watches: dict[str, Watch] = {}
        self._turns: Counter[tuple[str, ...]] = Counter()
        timeout = httpx2.Timeout(settings.discovery_call_timeout_s, connect=CONNECTS_WITHIN_S)
        self._http = httpx2.AsyncClient(timeout=timeout, limits=httpx2.Limits(max_connections=CONNECTIONS))

    @property
    def routes(self) -> list[BaseRoute]:
        """What a gateway answers to."""
        return [Route("/call/{service}/{label}", self._call)]

    def counts(self) -> dict[str, int]:
        """How many services it watches."""
        return {"watches": len(self._watches)}

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the watches and the connections to instances."""
        async with self._http:
            yield
        for watch in self._watches.values():
            watch.end()

    async def _call(self, request: Request) -> Response:
        service, label = request.path_params["service"], request.path_params["label"]
        tag, by = request.query_params.get("tag", ""), request.query_params.get("by", "watch")
        if not _NAME.fullmatch(service) or (tag and not _NAME.fullmatch(tag)):
            raise HTTPException(404, "there is no such service")
        places = await (self._names.places(service, tag) if by == "dns" else self._watched(service, tag))
        if not places:
            raise HTTPException(404, "there is no such service")
        return await self._ask_one(self._in_turn(places, (service, tag, by)), service, label, request.url.query)

    async def _watched(self, service: str, tag: str) -> list[Place]:
        """Whom to call, of those with `tag`: the healthy ones."""
        watch = self._watches.get(service) or self._begin_watch(service)
        try:
            async with asyncio.timeout(FIRST_ANSWER_WITHIN_S):
                await watch.heard.wait()
        except TimeoutError as error:
            self._end_watch(service, watch)
            raise UnavailableError(f"Consul does not tell of {service}") from error
        if not watch.places:
            self._end_watch(service, watch)
        marked = [place for place in watch.places if not tag or tag in place.tags]
        # When all of them fail their checks, the checks are more likely to be wrong than all of the instances, and
        # calls that may fail are better than none (Envoy calls this a panic).
        return [place for place in marked if place.usable] or marked

    def _begin_watch(self, service: str) -> Watch:
        self._watches[service] = Watch(self._settings.consul_url, service, self._settings.discovery_wait_s)
        return self._watches[service]

    def _end_watch(self, service: str, watch: Watch) -> None:
        """Else whoever calls services that there are not could let any number be watched."""
        watch.end()
        if self._watches.get(service) is watch:
            del self._watches[service]

    def _in_turn(self, places: list[Place], whose: tuple[str, ...]) -> list[Place]:
        """All of them, beginning with the one whose turn it is."""
        self._turns[whose] += 1
        first = self._turns[whose] % len(places)
        return places[first:] + places[:first]

    async def _ask_one(self, places: list[Place], service: str, label: str, query: str) -> Response:
        """The answer of the first that can be reached and is what it is taken for."""
        for place in places:
            url = f"http://{place.address}:{place.port}/serve/{label}?{query}"
            try:
                answer = await self._http.get(url, headers={"Host": service})
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.InvalidURL):
                continue  # it was not asked, so another one may be
            except httpx2.HTTPError as error:
                raise HTTPException(502, "the instance gave no answer") from error
            if answer.status_code != MISDIRECTED:
                return Response(answer.content, answer.status_code, media_type="application/json")
        raise UnavailableError(f"no instance of {service} can be reached")
