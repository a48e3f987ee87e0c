"""The worker: ships what was ordered, by the partner."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from starlette.routing import BaseRoute

from .calls import Calls, Unanswered
from .queue import Queue
from .settings import TracingSettings
from .telemetry import Correlated, Telemetry

logger = Correlated(logging.getLogger(__name__), {})


class Worker:
    """Several jobs at a time, each in a task that does one after the other."""

    def __init__(self, settings: TracingSettings, telemetry: Telemetry, redis: Redis) -> None:
        self._at_once = settings.order_workers
        self._partner = Calls(settings.upstream_url, telemetry, ours=False)
        self._queue = Queue(redis, telemetry, settings.order_attempts)

    @property
    def routes(self) -> list[BaseRoute]:
        """Nobody asks it anything."""
        return []

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the tasks."""
        tasks = [asyncio.create_task(self._queue.work(self._ship)) for _ in range(self._at_once)]
        yield
        self._queue.end()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._partner.close()

    async def _ship(self, order: str) -> None:
        answer = await self._partner.call("POST", f"/shipments/{order}", {"order": order})
        if answer.status_code >= 400:
            raise Unanswered(f"the shipment of {order}: {answer.status_code}")
        logger.info("order %s is shipped", order)
