"""Redis as a counter that may fail: the call that notices waits for its time-out, and those after it for nothing."""

import asyncio
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .limiter import Decision, Limiter

LOOK_EVERY_S = 0.25


class AwayError(Exception):
    """Redis does not count at the moment."""


class Shared:
    """Asks the limiter, `at_once` calls at a time; once that has failed, no call does until Redis answers again."""

    def __init__(self, redis: Redis, limiter: Limiter, at_once: int) -> None:
        self._redis, self._limiter = redis, limiter
        self._turns = asyncio.Semaphore(at_once)
        self._away: asyncio.Task[None] | None = None  # waits for Redis, while it is away

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._away:
            self._away.cancel()

    async def take(self, customer: str, limit: int, cost: int) -> Decision:
        """As the limiter's. Raises AwayError, most often at once, when Redis does not answer."""
        async with self._turns:
            if self._away:  # perhaps only since this call waits for its turn
                raise AwayError
            try:
                return await self._limiter.take(customer, limit, cost)
            except RedisError as error:
                if not self._away:  # others that asked at the same time may have noticed, too
                    self._away = asyncio.create_task(self._await_back())
                raise AwayError from error

    async def _await_back(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._redis.ping()
            except RedisError:
                continue
            self._away = None
            return
