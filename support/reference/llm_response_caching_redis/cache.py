"""Answers in Redis: one life for all that belongs to one, names that an invalidation changes, one who asks at a time.

The name of an answer has in it the epochs of its tenant's model and documents. To forget is to begin a new epoch, so
an answer that was asked for before and arrives after is kept under a name by which nobody looks. An epoch that Redis
has dropped begins anew too: what is lost is an answer, never that it was forgotten.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from .answer import Entry
from .question import Question, digest

LOOK_EVERY_S = 0.02
AWAY_LOOK_EVERY_S = 0.25

# KEYS: epochs. ARGV: their milliseconds from now on, then a new one for each that is not there.
EPOCHS = """
local found = {}
for i, key in ipairs(KEYS) do
    local epoch = redis.pcall('GET', key)
    if type(epoch) == 'string' then
        redis.call('PEXPIRE', key, ARGV[1])
    else
        epoch = ARGV[i + 1]
        redis.call('SET', key, epoch, 'PX', ARGV[1])
    end
    found[i] = epoch
end
return found
"""
# KEYS: a name. ARGV: a lease, its milliseconds. What is kept by that name; a lease where nothing was.
LOOK = """
local held = redis.pcall('GET', KEYS[1])
if type(held) == 'string' then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
# KEYS: a name. ARGV: what it is to hold still, then milliseconds of its life; or nothing to end it.
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"
GIVE_UP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end"
# KEYS: a name, and where its like are found. ARGV: the lease, the answer, its milliseconds, what its like are told.
FILL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3]) end
return 1
"""


class AwayError(Exception):
    """Redis does not do its part at the moment."""


class Name(NamedTuple):
    """By what an answer is looked for; `kin` is where its like are found, None for a question that has none."""

    own: str
    kin: str | None


class Kin(NamedTuple):
    """A question that may be alike, its answer, and for how many milliseconds yet that is kept."""

    text: str
    entry: Entry
    left_ms: int


class Cache:
    """What is kept for all tenants. Every method raises AwayError, most often at once, while Redis is away."""

    def __init__(self, redis: Redis, ttl_s: float, lease_s: float, space: str) -> None:
        """`space`: answers that were found alike by another model of vectors are not found in this one's."""
        self._redis, self._space = redis, space
        self._ttl_ms, self._lease_s = round(ttl_s * 1000), lease_s
        self._away: asyncio.Task[None] | None = None  # waits for Redis, while it is away

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._away:
            self._away.cancel()

    async def name(self, question: Question) -> Name:
        """By what the answer to `question` is looked for now."""
        scopes = [f"model:{question.fields.get('model')}", *(f"document:{one}" for one in question.documents)]
        keys = [_epoch_key(question.tenant, scope) for scope in scopes]
        fresh = [secrets.token_hex(8) for _ in keys]
        async with self._reached():
            # Twice an answer's life: whoever waits for one that is under way finds it by the same name.
            epochs = await self._redis.eval(EPOCHS, len(keys), *keys, 2 * self._ttl_ms, *fresh)
        room, among = f"llm:{question.tenant}", [self._space, list(zip(scopes, epochs, strict=True))]
        kin = f"{room}:kin:{digest([*among, question.kindred])}" if question.kindred else None
        return Name(f"{room}:answer:{digest([*among, question.shape])}", kin)

    async def forget(self, tenant: str, scope: str) -> None:
        """No answer of `tenant` is given any more that belongs to `scope`, also none that is still under way."""
        async with self._reached():
            await self._redis.set(_epoch_key(tenant, scope), secrets.token_hex(8), px=2 * self._ttl_ms)

    async def look(self, name: Name, lease: str) -> Entry | None:
        """The answer. None tells the caller to get it, by its `lease`; while another's is there, it is waited for."""
        while True:
            async with self._reached():
                held = await self._redis.eval(LOOK, 1, name.own, lease, round(self._lease_s * 1000))
            if held == lease:
                return None
            if not held.startswith("lease:"):
                if entry := Entry.parse(held):
                    return entry
                async with self._reached():
                    await self._redis.eval(GIVE_UP, 1, name.own, held)
                continue
            await asyncio.sleep(LOOK_EVERY_S)

    async def kin(self, name: Name) -> Kin | None:
        """The answer to a question that may be alike, if there is one."""
        if not name.kin:
            return None
        async with self._reached():
            told = await self._redis.get(name.kin)
            try:
                text, own = json.loads(told or "")
            except (ValueError, TypeError):
                return None
            held: Any
            held, left_ms = await self._redis.get(own), await self._redis.pttl(own)
        entry = Entry.parse(held or "")
        return Kin(text, entry, left_ms) if entry and left_ms > 0 and isinstance(text, str) else None

    async def fill(self, name: Name, lease: str, entry: Entry, text: str | None, left_ms: int | None = None) -> None:
        """Keeps `entry`, if the lease is still there, anew or for `left_ms`; with `text` its like are led to it."""
        keys = [name.own, name.kin] if name.kin and text is not None else [name.own]
        told = json.dumps([text, name.own])
        async with self._reached():
            await self._redis.eval(FILL, len(keys), *keys, lease, entry.text(), left_ms or self._ttl_ms, told)

    @asynccontextmanager
    async def held(self, name: Name, lease: str) -> AsyncIterator[None]:
        """Lets the lease live as long as the block takes, and gives it up if it was not filled."""
        renewing = asyncio.create_task(self._renew(name, lease))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(AwayError):
                async with self._reached():
                    await self._redis.eval(GIVE_UP, 1, name.own, lease)

    async def _renew(self, name: Name, lease: str) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with suppress(AwayError):
                async with self._reached():
                    await self._redis.eval(RENEW, 1, name.own, lease, round(self._lease_s * 1000))

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[None]:
        """Whoever notices that Redis is away has waited for that; those after it do not."""
        if self._away:
            raise AwayError
        try:
            yield
        except ResponseError as error:  # it answers, and cannot: full, or holding what nobody here has put there
            raise AwayError from error
        except RedisError as error:
            if not self._away:
                self._away = asyncio.create_task(self._await_back())
            raise AwayError from error

    async def _await_back(self) -> None:
        while True:
            await asyncio.sleep(AWAY_LOOK_EVERY_S)
            try:
                await self._redis.ping()
            except RedisError:
                continue
            self._away = None
            return


def new_lease() -> str:
    """A lease that nobody else has; no answer looks like it."""
    return f"lease:{secrets.token_hex(16)}"


def _epoch_key(tenant: str, scope: str) -> str:
    return f"llm:{tenant}:epoch:{digest(scope)}"
