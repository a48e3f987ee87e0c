"""An instance of a service: it does what it is asked, says how it is, and keeps a record of both."""

import asyncio
import logging
import math
import signal
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from types import FrameType
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..settings import Settings
from .agent import TROUBLE
from .registration import Registration
from .settings import DiscoverySettings

BEATS = 4  # within the time after which silence is death
KEPT = 20_000  # calls and checks that are on record
HEALTH = "/instance/health"
# What Consul makes of an answer: 2xx is passing, 429 a warning, anything else critical.
STATUSES = {"passing": 200, "warning": 429, "critical": 503}
Handler = Callable[[int, FrameType | None], Any]

logger = logging.getLogger(__name__)


class Instance:
    """One instance, at the address that others of its network reach it by."""

    def __init__(self, settings: DiscoverySettings, node: Settings) -> None:
        self._settings, self._node = settings, node
        self._warm_at = math.inf
        self._answers = cycle(["passing"])
        self._calls: deque[dict[str, object]] = deque(maxlen=KEPT)
        self._checks: deque[dict[str, object]] = deque(maxlen=KEPT)
        address = socket.gethostbyname(socket.gethostname())
        self._registration = Registration(settings, address, node.port, HEALTH)

    @property
    def routes(self) -> list[BaseRoute]:
        """What an instance answers to."""
        return [
            Route("/serve/{label}", self._serve),
            Route(HEALTH, self._tell_health),
            Route(HEALTH, self._set_health, methods=["PUT"]),
            Route("/instance/record", self._tell_record),
        ]

    def counts(self) -> dict[str, int]:
        """How many calls and checks are on record."""
        return {"calls": len(self._calls), "checks": len(self._checks)}

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Registers, and is heard of for as long as the instance serves. SIGTERM first takes it out of the list."""
        loop = asyncio.get_running_loop()
        stop_serving = cast(Handler, signal.getsignal(signal.SIGTERM))
        # What a former life left in the list is taken out before the port opens; where Consul is away, later.
        begun = await self._is_heard(self._registration.begin)
        self._warm_at = time.monotonic() + self._settings.discovery_warm_up_s
        heard = asyncio.create_task(self._be_heard(begun))
        endings: list[asyncio.Task[None]] = []

        def end() -> None:
            if not endings:
                endings.append(loop.create_task(self._leave(stop_serving)))

        loop.add_signal_handler(signal.SIGTERM, end)
        try:
            yield
        finally:
            heard.cancel()

    async def _be_heard(self, begun: bool) -> None:
        """Consul may be away when the instance starts, and whenever it will: there is always another heartbeat."""
        while True:
            begun = await self._is_heard(self._registration.beat if begun else self._registration.begin) or begun
            await asyncio.sleep(self._settings.discovery_ttl_s / BEATS)

    async def _is_heard(self, say: Callable[[], None]) -> bool:
        try:
            await asyncio.to_thread(say)
        except TROUBLE as error:
            logger.warning("Consul did not hear of this instance: %s", error)
            return False
        return True

    async def _leave(self, stop_serving: Handler) -> None:
        """Out of the list first; then those who still have it in theirs are served; then the port is closed."""
        with suppress(*TROUBLE):
            await asyncio.to_thread(self._registration.end)
        await asyncio.sleep(self._settings.discovery_drain_s)
        stop_serving(signal.SIGTERM, None)

    async def _serve(self, request: Request) -> Response:
        # An address that was this service's a minute ago may be another's now (RFC 9110, section 15.5.20).
        if request.headers.get("Host") != self._settings.discovery_service:
            raise HTTPException(421, f"this is {self._settings.discovery_service}")
        label = request.path_params["label"]
        self._calls.append({"label": label, "at": time.time()})
        await asyncio.sleep(float(request.query_params.get("takes", "0")))
        return JSONResponse({"instance": self._node.node_name, "label": label})

    async def _tell_health(self, _: Request) -> Response:
        health = next(self._answers) if time.monotonic() >= self._warm_at else "critical"
        self._checks.append({"health": health, "at": time.time()})
        return Response(health, STATUSES[health])

    async def _set_health(self, request: Request) -> Response:
        """An operator's word: checks are answered so from now on, by one after the other where there are several."""
        answers = await request.json()
        if not answers or not set(answers) <= STATUSES.keys():
            raise HTTPException(400, f"expected some of {', '.join(STATUSES)}")
        self._answers = cycle(answers)
        return Response(status_code=204)

    async def _tell_record(self, _: Request) -> Response:
        return JSONResponse({"calls": list(self._calls), "checks": list(self._checks)})
