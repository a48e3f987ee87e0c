"""Connections to one Redis server, made in one way for every capability."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

TIMEOUT_S = 1.0


def pooled(url: str, connections: int, timeout_s: float = TIMEOUT_S, wait_s: float = TIMEOUT_S) -> Redis:
    """A client with at most so many connections: who finds all of them busy waits, so a burst leaves no idle ones.

    `timeout_s` is for a handshake and for each answer, `wait_s` for a free connection. Nothing is sent twice: a command
    whose reply was lost may have happened, and once more would be twice.
    """
    pool = BlockingConnectionPool.from_url(
        url, max_connections=connections, timeout=wait_s, protocol=2, decode_responses=True,
        socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0),
    )  # fmt: skip
    return Redis.from_pool(pool)
