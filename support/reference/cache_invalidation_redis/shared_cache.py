"""A cache that all nodes share: entries that always end, leases against stale fills, clears that do not block.

A key holds either a value or the lease of the node that is fetching it. Whoever finds nothing leaves a lease, and
its value is taken only while that very lease is still there. An invalidation removes whatever the key holds, so a
value that was read before a change can never be written after it (Nishtala and others, "Scaling Memcache at
Facebook", NSDI 2013, section 3.2.1). A lease also keeps the other nodes from asking the origin for the same.
"""

import asyncio
import builtins
import random
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError, TimeoutError

UNREACHABLE = (RedisError, RedisClusterException)
LEASE_S = 2.0  # renewed while its node still fetches; one that died meanwhile blocks nobody for longer
ANSWER_S = 1.5
PATIENCE_S = 10.0  # for a value that another node is fetching
LEASE_MS = round(LEASE_S * 1000)
LOOK_EVERY_S = 0.02
BATCH = 500

# KEYS: the key. ARGV: a lease, its milliseconds. What the key holds and for how long yet; a lease where it was empty.
LOOK = """
local held = redis.call('GET', KEYS[1])
if held then return {held, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1], 0}
"""
# KEYS: the key. ARGV: the lease, the value, its milliseconds. 1 when the lease was still there, and the value now is.
FILL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""

# KEYS: the key. ARGV: the lease, its milliseconds. Lets a lease that is still there live on.
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"
# KEYS: the key. ARGV: the lease, which is given up if it is still there.
GIVE_UP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end"


class Entry(NamedTuple):
    """A value, JSON text, and until when it may be kept (monotonic seconds; 0 for a value that may not)."""

    text: str
    until: float


class SharedCache:
    """One cache on a Redis server or cluster. Every method raises one of UNREACHABLE when that does not answer."""

    def __init__(self, redis: "Redis | RedisCluster", ttl_s: float, jitter: float) -> None:
        self._redis, self._ttl_s, self._jitter = redis, ttl_s, jitter

    async def look(self, key: str, lease: str) -> Entry | None:
        """The entry of the key. None tells the caller to fetch the value, and to `fill` it with its lease.

        While another node's lease is there its value is waited for, but not for ever.
        """
        asked = time.monotonic()
        end = asked + PATIENCE_S
        while True:
            held, left_ms = await self._eval(LOOK, key, lease, LEASE_MS)
            if not is_lease(held):
                return Entry(held, asked + left_ms / 1000)
            if held == lease or asked > end:
                return None
            await asyncio.sleep(LOOK_EVERY_S)
            asked = time.monotonic()

    @asynccontextmanager
    async def renewed(self, key: str, lease: str) -> AsyncIterator[None]:
        """Keeps the lease alive for as long as this lasts, so that a slow origin is not asked by others, too.

        After an error it is given up: nobody is to wait for a value that does not come.
        """
        renewing = asyncio.create_task(self._renew(key, lease))
        try:
            yield
        except Exception:
            with suppress(*UNREACHABLE):
                await self._eval(GIVE_UP, key, lease)
            raise
        finally:
            renewing.cancel()

    async def fill(self, key: str, lease: str, text: str) -> Entry:
        """Keeps the value if the lease is still there; otherwise it may be old, and the entry must not be kept."""
        asked = time.monotonic()
        ttl_ms = round(1000 * self._ttl_s * (1 - self._jitter * random.random()))
        kept = await self._eval(FILL, key, lease, text, ttl_ms)
        return Entry(text, asked + ttl_ms / 1000 if kept else 0)

    async def forget(self, key: str) -> None:
        """Removes the key's value or lease."""
        await self._redis.unlink(key)

    async def clear(self, prefix: str) -> None:
        """Removes every key that begins with the prefix and was there when the clear began.

        Batch by batch, so that Redis serves others in between, as KEYS or one DEL of them all would not let it.
        """
        while True:
            before = await self._slots()
            removed = 0
            async for keys in self._batches(prefix):
                removed += len(keys)
                await self._unlink(keys)
            # Of a cluster whose slots move meanwhile, a key may pass from a member not yet scanned to one that was.
            if before == await self._slots() and not (removed and before):
                return

    async def _renew(self, key: str, lease: str) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            with suppress(*UNREACHABLE):
                await self._eval(RENEW, key, lease, LEASE_MS)

    async def _eval(self, script: str, key: str, *arguments: str | int) -> Any:
        return await in_time(self._redis.eval(script, 1, key, *arguments))

    async def _batches(self, prefix: str) -> AsyncIterator[list[str]]:
        keys: list[str] = []
        async for key in self._redis.scan_iter(match=f"{literal(prefix)}*", count=BATCH):
            keys.append(key)
            if len(keys) == BATCH:
                yield keys
                keys = []
        if keys:
            yield keys

    async def _unlink(self, keys: list[str]) -> None:
        if isinstance(self._redis, Redis):
            await self._redis.unlink(*keys)
            return
        # One command for each key: those of different slots must not be in one (Redis Cluster specification).
        pipeline = self._redis.pipeline()
        for key in keys:
            pipeline.execute_command("UNLINK", key)
        await pipeline.execute()

    async def _slots(self) -> list[str]:
        """Which member of the cluster has which slots, and which are moving; nothing for a single server."""
        if isinstance(self._redis, Redis):
            return []
        views = await in_time(self._redis.execute_command("CLUSTER NODES", target_nodes=RedisCluster.ALL_NODES))
        members = [member for view in views.values() for member in view.values()]
        return sorted({f"{member['node_id']} {member['slots']} {member['migrations']}" for member in members})


async def in_time(answer: Awaitable[Any]) -> Any:
    """What Redis answers. The client of a cluster that is gone looks for it for longer than anybody waits."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await answer
    except builtins.TimeoutError as error:
        raise TimeoutError(f"no answer within {ANSWER_S:g} s") from error


def new_lease() -> str:
    """A lease that nobody else has; no JSON text looks like it."""
    return f"lease:{uuid.uuid4().hex}"


def is_lease(held: str) -> bool:
    """Whether this is a lease and no value."""
    return held.startswith("lease:")


def key_of(kind: str, *names: str) -> str:
    """The key of something by its names, `kind:name:name`; names in which a colon stands cannot make two keys one."""
    return ":".join([kind, *[name.replace("%", "%25").replace(":", "%3A") for name in names]])


def literal(text: str) -> str:
    """The pattern that matches this text and nothing else (glob-style patterns of the command KEYS)."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
