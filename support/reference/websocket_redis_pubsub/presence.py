"""Who is present in a channel, over all nodes: leases in Redis, which a node that died no longer renews."""

import asyncio
import time
from collections import Counter
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

RETRY_EVERY_S = 0.1

Lease = tuple[str, str]  # channel, and "<connection id> <user>"


class Presence:
    """The leases of this node's connections, and the counts of everybody's.

    Changes are only noted; one task writes them, so that they reach Redis in order and a thousand
    departures at once cost one round trip. Leases end by the nodes' clocks, which must agree within the TTL.
    """

    def __init__(self, redis: Redis, ttl_s: float) -> None:
        self._redis, self._ttl_s = redis, ttl_s
        self._held: set[Lease] = set()
        self._joined: set[Lease] = set()
        self._left: set[Lease] = set()
        self._changed = asyncio.Event()

    def join(self, channel: str, connection: str, user: str) -> None:
        """Notes that a connection of the user is in the channel."""
        lease = (channel, f"{connection} {user}")
        self._held.add(lease)
        self._joined.add(lease)
        self._left.discard(lease)
        self._changed.set()

    def leave(self, channel: str, connection: str, user: str) -> None:
        """Notes that the connection is there no more."""
        lease = (channel, f"{connection} {user}")
        self._held.discard(lease)
        self._joined.discard(lease)
        self._left.add(lease)
        self._changed.set()

    def renew(self) -> None:
        """Notes that every lease has to be written again."""
        self._joined |= self._held
        self._changed.set()

    async def users(self, channel: str) -> dict[str, int]:
        """How many connections each user has in the channel, over all nodes. Raises RedisError."""
        leases = await self._redis.zrange(_key(channel), f"({time.time()}", "+inf", byscore=True)
        return dict(Counter(str(lease).partition(" ")[2] for lease in leases))

    async def run(self) -> None:
        """Writes changes at once and renews every lease three times in its life; ends by being cancelled."""
        clock, every_s = asyncio.get_running_loop().time, self._ttl_s / 3
        renewal = clock() + every_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(renewal):
                    await self._changed.wait()
            if clock() >= renewal:  # also where something changes all the time
                self.renew()
                renewal = clock() + every_s
            try:
                await self.write()
            except RedisError:
                await asyncio.sleep(RETRY_EVERY_S)

    async def write(self) -> None:
        """Brings what was noted to Redis; after a RedisError it is still noted."""
        joined, self._joined = self._joined, set()
        left, self._left = self._left, set()
        self._changed.clear()
        try:
            await self._write(joined, left)
        except RedisError:
            self._joined |= joined & self._held
            self._left |= left - self._held
            self._changed.set()
            raise

    async def _write(self, joined: set[Lease], left: set[Lease]) -> None:
        now = time.time()
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel, who in joined:
                pipeline.zadd(_key(channel), {who: now + self._ttl_s})
            for channel, who in left:
                pipeline.zrem(_key(channel), who)
            for channel in {channel for channel, _ in joined}:
                pipeline.zremrangebyscore(_key(channel), "-inf", now)
                pipeline.pexpire(_key(channel), int(self._ttl_s * 1000))
            await pipeline.execute()


def _key(channel: str) -> str:
    return f"presence:{channel}"
