"""The queue between the service and the workers: the trace goes along in the message, as often as that is tried.

A consumer's span is the child of the producer's, however much later it is: an order is one trace.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .telemetry import Correlated, Telemetry, attached

WAITING, ASIDE = "orders:waiting", "orders:aside"
POLL_S = 0.5
SENT = {"messaging.system": "redis", "messaging.destination.name": WAITING, "messaging.operation.type": "send"}
PROCESSED = {**SENT, "messaging.operation.type": "process"}

logger = Correlated(logging.getLogger(__name__), {})


class Queue:
    """Jobs for workers; each is tried up to `attempts` times, and put aside then."""

    def __init__(self, redis: Redis, telemetry: Telemetry, attempts: int) -> None:
        self._redis, self._telemetry, self._attempts = redis, telemetry, attempts
        self._ending = False

    async def send(self, order: str) -> None:
        """A job for `order`, in the name of the trace under way."""
        with self._telemetry.span("send orders", SpanKind.PRODUCER, SENT):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            await self._redis.lpush(WAITING, json.dumps({"order": order, "attempt": 1, "headers": headers}))

    async def work(self, do: Callable[[str], Awaitable[None]]) -> None:
        """Does `do` for one job after the other, until it is to end."""
        while not self._ending:
            try:
                taken = await self._redis.brpop([WAITING], timeout=POLL_S)
            except RedisError:
                await asyncio.sleep(POLL_S)
                continue
            if taken:
                with suppress(RedisError):
                    await self._process(json.loads(taken[1]), do)

    def end(self) -> None:
        """No further job is taken; what is under way is done to its end."""
        self._ending = True

    async def _process(self, job: dict[str, Any], do: Callable[[str], Awaitable[None]]) -> None:
        """One attempt, in the context that came with the job."""
        told = {**PROCESSED, "messaging.attempt": job["attempt"]}
        with attached(propagate.extract(job["headers"])):
            try:
                with self._telemetry.span("process orders", SpanKind.CONSUMER, told) as span:
                    try:
                        await do(job["order"])
                    except Exception as error:
                        span.record_exception(error)
                        raise
            except Exception:  # noqa: BLE001 - whatever a job fails by, it is tried again
                logger.warning("order %s failed, attempt %d", job["order"], job["attempt"])
                await self._again(job)

    async def _again(self, job: dict[str, Any]) -> None:
        more = job["attempt"] < self._attempts
        await self._redis.lpush(WAITING if more else ASIDE, json.dumps({**job, "attempt": job["attempt"] + 1}))
