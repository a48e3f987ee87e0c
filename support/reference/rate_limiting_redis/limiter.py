"""A sliding window in Redis: the moments of a customer's calls, of which those that are a window old count no more.

All nodes share it, and its clock is Redis's own: nodes whose clocks differ count alike. Looking and counting are one
script, so nothing comes in between, and what is left of a call that broke off is whole, its end included.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import quote

from redis.asyncio import Redis

# The members of the set are calls, its scores the microseconds at which they were let in.
_TAKE = """
local log, window, limit, cost, call = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', log, '-inf', now - window)
local used = redis.call('ZCARD', log)
local free_at = now
local admitted = 0
if used + cost <= limit then
    for number = 1, cost do redis.call('ZADD', log, now, call .. ':' .. number) end
    redis.call('PEXPIRE', log, math.ceil(window / 1000))
    admitted, used = 1, used + cost
elseif cost <= limit then
    -- The call fits in when so many of the oldest have aged out.
    free_at = redis.call('ZRANGE', log, used + cost - limit - 1, used + cost - limit - 1, 'WITHSCORES')[2] + window
end
return {admitted, used, math.ceil((free_at - now) / 1000)}
"""


@dataclass(frozen=True)
class Decision:
    """Whether a call is let in, what is left of the limit after it, and for how long to wait if it is not (seconds)."""

    admitted: bool
    limit: int
    remaining: int
    wait_s: float


class Limiter:
    """Counts calls over windows of `window_s` seconds."""

    def __init__(self, redis: Redis, window_s: float) -> None:
        self._window_us = round(window_s * 1_000_000)
        self._take = redis.register_script(_TAKE)

    async def take(self, customer: str, limit: int, cost: int) -> Decision:
        """Counts a call of `customer` that costs `cost`, unless it would exceed `limit`. Raises RedisError."""
        arguments = (self._window_us, limit, cost, secrets.token_hex(8))
        admitted, used, wait_ms = await self._take(keys=[_key(customer)], args=arguments)
        return Decision(bool(admitted), limit, max(0, limit - used), wait_ms / 1000)


def _key(customer: str) -> str:
    # A name may hold anything, the separator of keys included.
    return f"rate:{quote(customer, safe='')}"
