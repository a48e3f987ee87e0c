"""The service: checks what an order costs, keeps count of it, and hands the shipment to a worker."""

import asyncio
import contextvars
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .calls import Calls
from .queue import Queue
from .settings import TracingSettings
from .telemetry import Correlated, Telemetry

logger = Correlated(logging.getLogger(__name__), {})


class Service:
    """What the gateway asks."""

    def __init__(self, settings: TracingSettings, telemetry: Telemetry, redis: Redis) -> None:
        self._telemetry, self._redis = telemetry, redis
        self._partner = Calls(settings.upstream_url, telemetry, ours=False)
        self._queue = Queue(redis, telemetry, settings.order_attempts)
        self._threads = ThreadPoolExecutor(settings.order_threads, thread_name_prefix="sign")

    @property
    def routes(self) -> list[BaseRoute]:
        """What the gateway reaches."""
        return [
            Route("/checkout/{order}", self._checkout, methods=["POST"]),
            Route("/goods/{order}", self._look),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the threads, and the connections to the partner."""
        yield
        self._threads.shutdown()
        await self._partner.close()

    async def _checkout(self, request: Request) -> Response:
        order = request.path_params["order"]
        await self._count(order)
        priced = await self._partner.insist("GET", f"/prices/{order}")
        if priced.status_code == 404:
            return JSONResponse({"error": "no such article"}, 404)
        price = priced.json()
        signature = await self._in_thread(self._sign, order)
        await self._queue.send(order)
        logger.info("order %s is taken", order)
        return JSONResponse({"price": price, "signature": signature}, 202)

    async def _look(self, request: Request) -> Response:
        await self._count(request.path_params["order"])
        return JSONResponse({})

    async def _count(self, order: str) -> None:
        # What is asked is told without what is in it: keys and values are the customers' own.
        told = {"db.system.name": "redis", "db.operation.name": "INCR", "db.query.text": "INCR ?"}
        with self._telemetry.span("INCR", SpanKind.CLIENT, told):
            await self._redis.incr(f"orders:count:{order}")
            await self._redis.expire(f"orders:count:{order}", 60)

    async def _in_thread(self, work: Callable[[str], str], order: str) -> str:
        """`work` in a thread that others use, too; it takes the context along, which a thread does not by itself."""
        here = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, here.run, work, order)

    def _sign(self, order: str) -> str:
        with self._telemetry.span("sign", SpanKind.INTERNAL, {}):
            return hashlib.pbkdf2_hmac("sha256", order.encode(), b"orders", 1000).hex()
