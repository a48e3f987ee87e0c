"""Accounts and sessions in Redis. What must not come apart is one script, and so is what others must not get between.

A session is a hash with the user, the generation of its refresh token, when that was last exchanged, and when the
session ends at the latest; its key lives for as long as the session may stay idle, and never longer than that end. Its
name is known to the user's own set of sessions, so that all of them can be ended at once. Times are Redis's own, in ms.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast
from urllib.parse import quote

from redis.asyncio import Redis

EVENTS_KEPT = 100
EVENTS_LIFETIME_MS = 90 * 24 * 3600 * 1000

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function tell(key, event)
    redis.call('XADD', key, 'MAXLEN', %d, '*', 'event', event)
    redis.call('PEXPIRE', key, %d)
end
local function renew(session)
    local idle, ends = unpack(redis.call('HMGET', session, 'idle', 'ends'))
    redis.call('PEXPIRE', session, math.min(tonumber(idle), tonumber(ends) - now))
end
""" % (EVENTS_KEPT, EVENTS_LIFETIME_MS)

# The hash that the password was compared to must still be the account's: it may have been changed in between.
_OPEN = (
    _NOW
    + """
local session, sessions, account, events = unpack(KEYS)
local id, user, hash, idle, absolute = unpack(ARGV)
if redis.call('HGET', account, 'hash') ~= hash then return 0 end
local ends = now + absolute
redis.call('HSET', session, 'user', user, 'generation', 0, 'exchanged', 0, 'idle', idle, 'ends', ends)
renew(session)
redis.call('ZREMRANGEBYSCORE', sessions, '-inf', now)
redis.call('ZADD', sessions, ends, id)
redis.call('PEXPIREAT', sessions, redis.call('ZRANGE', sessions, -1, -1, 'WITHSCORES')[2])
tell(events, 'signed_in')
return 1
"""
)

_USE = (
    _NOW
    + """
local session = KEYS[1]
if redis.call('EXISTS', session) == 0 then return 0 end
renew(session)
return 1
"""
)

_EXCHANGE = (
    _NOW
    + """
local session, sessions, events = unpack(KEYS)
local id, generation, grace = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kept, exchanged = unpack(redis.call('HMGET', session, 'generation', 'exchanged'))
kept = tonumber(kept)
if not kept or generation > kept then return {0, 0} end
if generation == kept then
    redis.call('HSET', session, 'generation', kept + 1, 'exchanged', now)
    renew(session)
    return {1, kept + 1}
end
if generation == kept - 1 and now - exchanged <= grace then return {1, kept} end
redis.call('DEL', session)
redis.call('ZREM', sessions, id)
tell(events, 'refresh_token_reused')
return {2, 0}
"""
)

_END_ALL = (
    _NOW
    + """
local sessions, events, account = unpack(KEYS)
local event, prefix, hash, checked = unpack(ARGV)
if hash ~= '' then
    if redis.call('HGET', account, 'hash') ~= checked then return 0 end
    redis.call('HSET', account, 'hash', hash)
end
for _, id in ipairs(redis.call('ZRANGE', sessions, 0, -1)) do redis.call('DEL', prefix .. id) end
redis.call('DEL', sessions)
tell(events, event)
return 1
"""
)


class Outcome(IntEnum):
    """What came of an exchange; the numbers are the script's."""

    GONE = 0
    EXCHANGED = 1
    REUSED = 2


@dataclass(frozen=True)
class Times:
    """How long a session may stay idle, and how long it lasts at the most (ms)."""

    idle_ms: int
    absolute_ms: int


class Store:
    """Accounts and sessions. Every method raises RedisError when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._open, self._use, self._exchange, self._end_all = map(
            redis.register_script, (_OPEN, _USE, _EXCHANGE, _END_ALL)
        )

    async def register(self, user: str, password_hash: str) -> bool:
        """A new account; False where there is one by that name."""
        return bool(await self._redis.hsetnx(_account(user), "hash", password_hash))

    async def password_hash(self, user: str) -> str | None:
        """What is kept of the user's password; None where there is no such user."""
        return cast(str | None, await self._redis.hget(_account(user), "hash"))

    async def open(self, session: str, user: str, password_hash: str, times: Times) -> bool:
        """A session of `user`; False when the password is no longer the one that `password_hash` was made of."""
        keys = [_session(session), _sessions(user), _account(user), _events(user)]
        return bool(await self._open(keys, [session, user, password_hash, times.idle_ms, times.absolute_ms]))

    async def use(self, session: str) -> bool:
        """Whether the session is there; it begins to be idle anew."""
        return bool(await self._use([_session(session)]))

    async def is_there(self, session: str) -> bool:
        """Whether the session is there; that somebody looks is no use of it."""
        return bool(await self._redis.exists(_session(session)))

    async def user_of(self, session: str) -> str | None:
        """Whose session it is; None when it has ended."""
        return cast(str | None, await self._redis.hget(_session(session), "user"))

    async def exchange(self, session: str, user: str, generation: int, grace_ms: int) -> tuple[Outcome, int]:
        """Exchanges the refresh token of `generation` for the next one, and gives that one's generation.

        For `grace_ms` the one that was exchanged last is answered once more in the same way. What is older was stolen
        or copied, and ends the session.
        """
        keys = [_session(session), _sessions(user), _events(user)]
        outcome, successor = await self._exchange(keys, [session, generation, grace_ms])
        return Outcome(outcome), int(successor)

    async def end(self, session: str, user: str) -> None:
        """Ends one session."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(_session(session))
            pipeline.zrem(_sessions(user), session)
            await pipeline.execute()

    async def end_all(self, user: str, event: str, new_hash: str = "", checked_hash: str = "") -> bool:
        """Ends all sessions of `user`, and with `new_hash` changes the password.

        False, and nothing is done, when the password is no longer the one that `checked_hash` was made of.
        """
        keys = [_sessions(user), _events(user), _account(user)]
        return bool(await self._end_all(keys, [event, _session(""), new_hash, checked_hash]))

    async def events(self, user: str) -> list[str]:
        """What has happened to the account, the oldest first."""
        entries: Any = await self._redis.xrange(_events(user))
        return [fields["event"] for _, fields in entries]


def _session(session: str) -> str:
    return f"session:{session}"


# A name may hold anything, the separator of keys included.
def _sessions(user: str) -> str:
    return f"sessions:{quote(user, safe='')}"


def _account(user: str) -> str:
    return f"account:{quote(user, safe='')}"


def _events(user: str) -> str:
    return f"events:{quote(user, safe='')}"
