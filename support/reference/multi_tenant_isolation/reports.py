"""Reports that were made before, in Redis: one hash for each tenant, in which each region is a field.

The key has the tenant's id in it, which is always as long, and nothing that anybody has typed; what a tenant has cached
is forgotten by its key alone. So neither keys nor a clear can run into those of a tenant whose name looks alike.

Beside it the tenant's changes are counted, and a report is kept with the count from before it was made. So one that was
being made while something was stored is not shown again, however late it is kept.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class Reports:
    """A cache that may be away: then reports are made anew. What is in it is not sealed, so no bank details are."""

    def __init__(self, redis: Redis, ttl_s: int) -> None:
        self._redis, self._ttl_s = redis, ttl_s

    async def cached(self, tenant: uuid.UUID, region: str) -> tuple[dict[str, Any] | None, str | None]:
        """The report that was made last, if it is still good; and the count of changes, for one that is made now."""
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.get(_changes(tenant))
                pipeline.hget(_key(tenant), region)
                changes, text = await pipeline.execute()
        except RedisError as error:
            logger.warning("reports are not cached: %s", error)
            return None, None
        report, made_after = json.loads(text) if text else (None, None)
        return report if made_after == changes else None, changes

    async def keep(self, tenant: uuid.UUID, region: str, report: dict[str, Any], changes: str | None) -> None:
        """Keeps a report, made after so many changes, until there is another one, or for its time."""
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(_key(tenant), region, json.dumps([report, changes]))
                pipeline.expire(_key(tenant), self._ttl_s)
                await pipeline.execute()
        except RedisError as error:
            logger.warning("a report was not kept: %s", error)

    @asynccontextmanager
    async def forgetting(self, tenant: uuid.UUID) -> AsyncIterator[None]:
        """Around a transaction that changes the tenant's records: forgets all its reports once that has ended.

        However it ends, since a request that is cancelled while it commits may have been stored all the same. Whoever
        is cancelled afterwards does not take the forgetting along.
        """
        try:
            yield
        finally:
            await asyncio.shield(self._forget(tenant))

    async def _forget(self, tenant: uuid.UUID) -> None:
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.incr(_changes(tenant))
                pipeline.unlink(_key(tenant))
                await pipeline.execute()
        except RedisError as error:
            logger.warning("old reports are shown for up to %d s: %s", self._ttl_s, error)


def _key(tenant: uuid.UUID) -> str:
    return f"reports:{tenant.hex}"


def _changes(tenant: uuid.UUID) -> str:
    return f"changes:{tenant.hex}"
