"""A Redis server that is full: it answers whoever reads, and refuses whoever writes.

So does one that has reached its `maxmemory` under the policy `noeviction` (redis.conf).
"""

from redis import Redis
from redis.exceptions import OutOfMemoryError, RedisError

from support.containers.service import Store
from support.errors import FaultError

_TIMEOUT_S = 5.0


def fill(server: Store) -> None:
    """Leaves `server` no room, seen to hold: it refuses a key. Raises FaultError."""
    _limit(server, 1)
    if _takes_a_key(server):
        raise FaultError(f"{server.name} is to be full, and took a key")


def make_room(server: Store) -> None:
    """Takes the limit away; returns when `server` has been seen to take a key. Raises FaultError."""
    _limit(server, 0)
    if not _takes_a_key(server):
        raise FaultError(f"{server.name} has room again, and took no key")


def _limit(server: Store, size: int) -> None:
    """Sets what the data may take, in bytes; 0 is no limit."""
    try:
        with _connect(server) as redis:
            redis.config_set("maxmemory", size)
    except RedisError as error:
        raise FaultError(f"{server.name} did not take another limit: {error}") from error


def _takes_a_key(server: Store) -> bool:
    try:
        with _connect(server) as redis:
            return bool(redis.set("room", "", ex=1))
    except OutOfMemoryError:
        return False
    except RedisError as error:
        raise FaultError(f"{server.name} did not say whether it has room: {error}") from error


def _connect(server: Store) -> Redis:
    host, port = server.address()
    return Redis(host=host, port=port, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
