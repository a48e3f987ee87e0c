"""A store that answers whoever reads, and refuses whoever writes.

Redis because it is full, or misses the replica it demands: see redis.conf, `maxmemory` with the policy `noeviction`,
and `min-replicas-to-write`; subscriptions and messages go on. PostgreSQL because it was set to be read only, as is done
during a change of its primary (19.11.1, `default_transaction_read_only`).
"""

from typing import TYPE_CHECKING

from support.containers.service import Store
from support.errors import FaultError
from support.polling import poll

if TYPE_CHECKING:
    from redis import Redis

FULL = "maxmemory"  # in bytes; it goes on to take what makes room
ALONE = "min-replicas-to-write"
_TOLD_WITHIN_S = 5.0
_NOT = 0  # for both, no demand at all


def refuse(server: Store, because: str) -> None:
    """Lets `server` refuse what is written, `because` it is FULL or ALONE; returns when it has. Raises FaultError."""
    if server.kind == "postgres":
        return _set_read_only(server, "on")
    _demand(server, because, 1)
    if _takes_a_key(server):
        raise FaultError(f"{server.name} was to refuse what is written, and took a key")


def allow(server: Store, because: str) -> None:
    """Takes that back; returns when `server` has taken a key. Raises FaultError."""
    if server.kind == "postgres":
        return _set_read_only(server, "off")
    _demand(server, because, _NOT)
    if not _takes_a_key(server):
        raise FaultError(f"{server.name} was to take again what is written, and refused a key")


def _set_read_only(server: Store, value: str) -> None:
    """Tells every connection, from its next transaction on; returns when a new one has been told. Raises FaultError."""
    import psycopg

    url = server.url(*server.address())
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
            connection.execute("SELECT pg_reload_conf()")
        if not poll(lambda: _read_only(url) == value, _TOLD_WITHIN_S):
            raise FaultError(f"{server.name} was to be read only: {value}, and a new connection is not told so")
    except psycopg.Error as error:
        raise FaultError(f"{server.name} did not let itself be told what to refuse: {error}") from error


def _read_only(url: str) -> str:
    import psycopg

    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SHOW transaction_read_only").fetchone()
    return str(row[0]) if row else ""


def _demand(server: Store, setting: str, value: int) -> None:
    from redis.exceptions import RedisError

    try:
        with _client(server) as client:
            client.config_set(setting, value)
    except RedisError as error:
        raise FaultError(f"{server.name} did not let itself be told what to refuse: {error}") from error


def _takes_a_key(server: Store) -> bool:
    from redis.exceptions import RedisError, ResponseError

    try:
        with _client(server) as client:
            return bool(client.set("a key that nobody has", "", px=1))
    except ResponseError:
        return False
    except RedisError as error:
        raise FaultError(f"{server.name} did not say whether it takes a key: {error}") from error


def _client(server: Store) -> "Redis":
    # Loaded here, as in the services: a fleet without Redis does not wait for its client.
    from redis import Redis

    host, port = server.address()
    return Redis(host=host, port=port, socket_timeout=5, socket_connect_timeout=5)
