"""A Redis server that answers, and takes no change: it demands a replica, and has none.

See redis.conf, `min-replicas-to-write`; the error is NOREPLICAS. Reads, subscriptions and messages go on.
"""

from typing import TYPE_CHECKING

from support.containers.service import Store
from support.errors import FaultError

if TYPE_CHECKING:
    from redis import Redis


def refuse(server: Store) -> None:
    """Lets `server` refuse every change; returns when it has refused one. Raises FaultError."""
    _demand(server, replicas=1)
    if _takes_a_change(server):
        raise FaultError(f"{server.name} was to refuse changes, and took one")


def allow(server: Store) -> None:
    """Lets `server` take changes again; returns when it has taken one. Raises FaultError."""
    _demand(server, replicas=0)
    if not _takes_a_change(server):
        raise FaultError(f"{server.name} was to take changes again, and refused one")


def _demand(server: Store, replicas: int) -> None:
    from redis.exceptions import RedisError

    try:
        with _client(server) as client:
            client.config_set("min-replicas-to-write", replicas)
    except RedisError as error:
        raise FaultError(f"{server.name} did not let itself be told what to refuse: {error}") from error


def _takes_a_change(server: Store) -> bool:
    from redis.exceptions import RedisError, ResponseError

    try:
        with _client(server) as client:
            client.unlink("a key that nobody has")
    except ResponseError:
        return False
    except RedisError as error:
        raise FaultError(f"{server.name} did not say whether it takes changes: {error}") from error
    return True


def _client(server: Store) -> "Redis":
    # Loaded here, as in the services: a fleet without Redis does not wait for its client.
    from redis import Redis

    host, port = server.address()
    return Redis(host=host, port=port, socket_timeout=5, socket_connect_timeout=5, decode_responses=True)
