"""What the shared cache holds, asked of the Redis servers themselves: one of them, or the masters of a cluster.

Every look raises ProbeError when a server does not answer within 10 s.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from support.containers.service import Store
from support.errors import ProbeError

_BATCH = 1000
_MOMENT_S = 0.001
One = TypeVar("One")


class CacheStore:
    """The servers of one cache, each on a connection of the suite's own that no fault of a node touches."""

    def __init__(self, *servers: Store) -> None:
        self.members = {server.name: _client(*server.address()) for server in servers}

    def keep(self, entries: Mapping[str, str], lifetime_s: float) -> None:
        """Puts `entries` there as the platform would, each on the server that has its slot, for `lifetime_s`."""
        for client, keys in self._by_owner(entries).items():
            for batch in _batches(keys):
                _pipelined(client, [("SET", key, entries[key], "PX", round(lifetime_s * 1000)) for key in batch])

    def drop(self, *keys: str) -> None:
        """Takes `keys` out behind the platform's back."""
        for client, owned in self._by_owner(keys).items():
            _pipelined(client, [("UNLINK", key) for key in owned])

    def values(self, *keys: str) -> dict[str, str | None]:
        """What is kept under each of `keys`; None where nothing is."""
        found: dict[str, str | None] = {}
        for client, owned in self._by_owner(keys).items():
            found |= zip(owned, _pipelined(client, [("GET", key) for key in owned]), strict=True)
        return found

    def keys(self) -> list[str]:
        """Every key of every server."""
        return [key for client in self.members.values() for key in _scan(client)]

    def lifetimes(self) -> dict[str, float]:
        """For how many seconds yet each key is kept; -1 for one that is kept for ever (PTTL)."""
        found: dict[str, float] = {}
        for client in self.members.values():
            keys = _scan(client)
            left = [ms for batch in _batches(keys) for ms in _pipelined(client, [("PTTL", key) for key in batch])]
            # A key that ended between the two questions (-2) is none any more.
            found |= {key: ms / 1000 if ms >= 0 else ms for key, ms in zip(keys, left, strict=True) if ms != -2}
        return found

    def lifetime(self, key: str) -> float:
        """For how many seconds yet `key` is kept; -1 for ever, -2 when it is not there (PTTL)."""
        ((client, _),) = self._by_owner([key]).items()
        with _told():
            left = int(client.pttl(key))
        return left / 1000 if left >= 0 else left

    def calls(self, *commands: str) -> dict[str, int]:
        """How often each of `commands` has been called on these servers, also by scripts (INFO commandstats)."""
        with _told():
            stats = [client.info("commandstats") for client in self.members.values()]
        return {name: sum(s.get(f"cmdstat_{name.lower()}", {}).get("calls", 0) for s in stats) for name in commands}

    def subscribers(self) -> int:
        """How many connections wait for invalidations (CLIENT LIST TYPE pubsub)."""
        with _told():
            return sum(len(client.client_list(_type="pubsub")) for client in self.members.values())

    def break_subscriptions(self) -> int:
        """Closes every connection that waits for invalidations (CLIENT KILL TYPE pubsub); returns how many."""
        with _told():
            return sum(int(client.execute_command("CLIENT KILL TYPE pubsub")) for client in self.members.values())

    def close(self) -> None:
        """Gives the connections back."""
        for client in self.members.values():
            client.close()

    def _by_owner(self, keys: Iterable[str]) -> "dict[Redis, list[str]]":
        """The keys that each server has."""
        clients = list(self.members.values())
        if len(clients) == 1:
            return {clients[0]: list(keys)}
        owners = self._owners()
        owned: defaultdict[Redis, list[str]] = defaultdict(list)
        for key in keys:
            owned[owners[key_slot(key.encode())]].append(key)
        return owned

    def _owners(self) -> "dict[int, Redis]":
        """The server of each slot, by each server's own word on itself (CLUSTER SHARDS would do it by node id)."""
        return {slot: client for client in self.members.values() for slot in slots_of(client)}


class Asker:
    """Asks one server again and again, in a thread of its own, and takes the time of each answer."""

    def __init__(self, server: Store) -> None:
        self._client = _client(*server.address())
        self._goes_on = threading.Event()
        self._took: list[float] = []
        self._thread = threading.Thread(target=self._run, name=f"asks {server.name}", daemon=True)

    def __enter__(self) -> Self:
        self._goes_on.set()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._goes_on.clear()
        self._thread.join()
        self._client.close()

    def answers(self) -> list[float]:
        """How long each answer took (seconds). Raises ProbeError when there was none."""
        if not self._took:
            raise ProbeError("Redis gave no answer while it was asked all the time")
        return list(self._took)

    def waits(self) -> list[float]:
        """For how long somebody would have waited who had come at any of the moments of an answer under way (seconds).

        A server that stands still for long answers few, so that answers alone would make it look quick. A moment is a
        millisecond. Raises ProbeError when there was no answer.
        """
        return [took - moment * _MOMENT_S for took in self.answers() for moment in range(int(took / _MOMENT_S) + 1)]

    def _run(self) -> None:
        with suppress(RedisError):
            while self._goes_on.is_set():
                began = time.monotonic()
                self._client.ping()
                self._took.append(time.monotonic() - began)
                time.sleep(_MOMENT_S)


def slots_of(client: "Redis") -> set[int]:
    """The slots that this master of a cluster says are its own (CLUSTER NODES, the line `myself`)."""
    with _told():
        view: dict[str, Any] = client.execute_command("CLUSTER NODES")
    own = next(member for member in view.values() if "myself" in member["flags"])
    return {slot for part in own["slots"] for slot in range(int(part[0]), int(part[-1]) + 1)}


def _client(host: str, port: int) -> "Redis":
    return Redis(host=host, port=port, socket_timeout=10, socket_connect_timeout=5, decode_responses=True)


def _scan(client: "Redis") -> list[str]:
    """Every key once; SCAN itself may name one twice."""
    with _told():
        return sorted(set(client.scan_iter(count=_BATCH)))


def _pipelined(client: "Redis", commands: list[tuple[Any, ...]]) -> list[Any]:
    with _told():
        pipeline = client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return list(pipeline.execute())


def _batches(many: list[One]) -> Iterator[list[One]]:
    for first in range(0, len(many), _BATCH):
        yield many[first : first + _BATCH]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise ProbeError(f"Redis did not say what the cache holds: {error}") from error
