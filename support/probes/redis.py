"""What Redis itself says, on connections of the suite's own that no fault of a node touches."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from support.containers.service import Store
from support.errors import ProbeError

_ANSWERS_WITHIN_S = 10.0
_CONNECTS_WITHIN_S = 5.0
_BATCH = 1000  # keys that one round trip asks about
# How all that is kept under a key is read, by its type.
_CONTENTS: dict[str, tuple[Any, ...]] = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", 0, -1),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1),
    "stream": ("XRANGE", "-", "+"),
}
# Thousands of entries by one command: a command for each takes ten times as long. ARGV: milliseconds, [key, text]…
_KEEP = "for i = 2, #ARGV, 2 do redis.call('SET', ARGV[i], ARGV[i + 1], 'PX', ARGV[1]) end"
One = TypeVar("One")


class RedisProbe:
    """A look into one Redis server, or into the masters of one cluster as if they were one.

    Keys and values are text; bytes that are no UTF-8 are kept as surrogates, so that such a key can be asked for
    again. Every method raises ProbeError when a server does not answer within 10 s, or refuses.
    """

    def __init__(self, *servers: Store) -> None:
        self.members = {server.name: client_of(server) for server in servers}

    # Keys, values, lifetimes

    def keys(self, pattern: str = "*") -> list[str]:
        """Every key that `pattern` (of KEYS, https://redis.io/docs/latest/commands/keys/) fits, on any server."""
        return [key for client in self.members.values() for key in _scan(client, pattern)]

    def value(self, key: str) -> str | None:
        """The text that is kept under `key`; None where nothing is."""
        return self.values(key)[key]

    def values(self, *keys: str) -> dict[str, str | None]:
        """What is kept under each of `keys`; None where nothing is."""
        found: dict[str, str | None] = {}
        for client, owned in self._by_owner(keys).items():
            found |= zip(owned, _pipelined(client, [("GET", key) for key in owned]), strict=True)
        return found

    def lifetime(self, key: str) -> float:
        """For how many seconds yet `key` is kept; -1 for ever, -2 when it is not there (PTTL)."""
        ((client, _),) = self._by_owner([key]).items()
        (left,) = _pipelined(client, [("PTTL", key)])
        return _seconds(left)

    def lifetimes(self, pattern: str = "*") -> dict[str, float]:
        """For how many seconds yet each key that `pattern` fits is kept; -1 for one that is kept for ever."""
        found: dict[str, float] = {}
        for client in self.members.values():
            keys = _scan(client, pattern)
            left = [ms for batch in _batches(keys) for ms in _pipelined(client, [("PTTL", key) for key in batch])]
            # A key that ended between the two questions (-2) is none any more.
            found |= {key: _seconds(ms) for key, ms in zip(keys, left, strict=True) if ms != -2}
        return found

    def keep(self, entries: Mapping[str, str], lifetime_s: float) -> None:
        """Puts `entries` there as a platform would, each on the server that has its slot, for `lifetime_s`."""
        for client, keys in self._by_owner(entries).items():
            for batch in _batches(keys):
                kept = [text for key in batch for text in (key, entries[key])]
                _pipelined(client, [("EVAL", _KEEP, 0, round(lifetime_s * 1000), *kept)])

    def drop(self, *keys: str) -> None:
        """Takes `keys` out behind the platform's back."""
        for client, owned in self._by_owner(keys).items():
            _pipelined(client, [("UNLINK", key) for key in owned])

    def lose_everything(self) -> None:
        """Empties every server (FLUSHALL), as a failover to an empty replica would."""
        for client in self.members.values():
            _pipelined(client, [("FLUSHALL",)])

    def holding(self, texts: Iterable[str], keys: Iterable[str]) -> list[str]:
        """Those of `keys` that hold one of `texts`, in their name or in anything that is kept under them."""
        found, wanted = list[str](), list(texts)
        for client, owned in self._by_owner(keys).items():
            kinds = zip(owned, _pipelined(client, [("TYPE", key) for key in owned]), strict=True)
            reads = [(_CONTENTS[kind][0], key, *_CONTENTS[kind][1:]) for key, kind in kinds if kind in _CONTENTS]
            for (_, key, *_), content in zip(reads, _pipelined(client, reads), strict=True):
                said = f"{key} {content}"
                found += [key] if any(text in said for text in wanted) else []
        return found

    # Commands

    def refusals(self) -> int:
        """How many commands these servers have refused so far, also within scripts (INFO errorstats)."""
        with _told():
            stats = [client.info("errorstats") for client in self.members.values()]
        return sum(int(error["count"]) for said in stats for error in said.values())

    def calls(self, *commands: str) -> dict[str, int]:
        """How often each of `commands` has been called on these servers, also by scripts (INFO commandstats)."""
        return self._counted("calls", commands)

    def spent(self, *commands: str) -> dict[str, int]:
        """How many microseconds these servers have spent on each of `commands`; on a script with all that it calls."""
        return self._counted("usec", commands)

    # Connections

    def connections_ended(self) -> int:
        """How many connections of anybody have ended so far on these servers (INFO)."""
        with _told():
            said = [client.info() for client in self.members.values()]
        return sum(one["total_connections_received"] - one["connected_clients"] for one in said)

    # Subscribers

    def subscriptions(self, name_part: str) -> int:
        """How many subscribers are counted over all topics whose name contains `name_part` (PUBSUB NUMSUB).

        The part of a name is enough, so that a target may name its topics as it likes.
        """
        counted = 0
        with _told():
            for client in self.members.values():
                wanted = [name for name in client.pubsub_channels() if name_part in name]
                counted += sum(count for _, count in client.pubsub_numsub(*wanted)) if wanted else 0
        return counted

    def subscribers(self) -> int:
        """How many connections are subscribed to anything (CLIENT LIST TYPE pubsub)."""
        with _told():
            return sum(len(client.client_list(_type="pubsub")) for client in self.members.values())

    def drop_subscribers(self) -> int:
        """Closes every connection that is subscribed to anything (CLIENT KILL), as a server does with one too slow.

        Returns how many there were. Raises ProbeError when there was none.
        """
        with _told():
            dropped = sum(int(client.client_kill_filter(_type="pubsub")) for client in self.members.values())
        if not dropped:
            raise ProbeError("Redis had no subscribers that it could drop")
        return dropped

    # Streams

    def stream_length(self, key: str) -> int:
        """How many entries the stream under `key` holds; 0 where there is none (XLEN)."""
        ((client, _),) = self._by_owner([key]).items()
        (length,) = _pipelined(client, [("XLEN", key)])
        return int(length)

    def pending(self, key: str, group: str) -> int:
        """How many entries of the stream were given to `group` and not acknowledged (XPENDING); 0 without a group."""
        ((client, _),) = self._by_owner([key]).items()
        with _told():
            try:
                return int(client.xpending(key, group)["pending"])
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                return 0

    def has_group(self, key: str, group: str) -> bool:
        """Whether the stream is there, and has that group (XINFO GROUPS)."""
        ((client, _),) = self._by_owner([key]).items()
        with _told():
            return client.exists(key) == 1 and any(one["name"] == group for one in client.xinfo_groups(key))

    def close(self) -> None:
        """Gives the connections back."""
        for client in self.members.values():
            client.close()

    def _counted(self, what: str, commands: Iterable[str]) -> dict[str, int]:
        with _told():
            stats = [client.info("commandstats") for client in self.members.values()]
        return {name: sum(s.get(f"cmdstat_{name.lower()}", {}).get(what, 0) for s in stats) for name in commands}

    def _by_owner(self, keys: Iterable[str]) -> "dict[Redis, list[str]]":
        """The keys that each server has."""
        clients = list(self.members.values())
        if len(clients) == 1:
            return {clients[0]: list(keys)}
        owners = {slot: client for client in clients for slot in slots_of(client)}
        owned: defaultdict[Redis, list[str]] = defaultdict(list)
        for key in keys:
            owned[owners[key_slot(key.encode(errors="surrogateescape"))]].append(key)
        return owned


class Commands:
    """What all clients ask of one Redis server, from now on and as it comes (MONITOR)."""

    def __init__(self, server: Store) -> None:
        host, port = server.address()
        self._redis = Redis(host=host, port=port, socket_connect_timeout=_CONNECTS_WITHIN_S)
        self._monitor = self._redis.monitor()
        self._monitor.__enter__()
        self._heard: list[str] = []
        self._thread = threading.Thread(target=self._listen, name="redis monitor", daemon=True)
        self._thread.start()

    def naming(self, name: str) -> int:
        """How many commands have had `name` in them so far; what a script asks in turn does not count."""
        return sum(name in command for command in list(self._heard))

    def close(self) -> None:
        """Ends the connection, and with it the thread."""
        self._monitor.connection.disconnect()
        self._thread.join(5)
        self._redis.close()

    def _listen(self) -> None:
        with suppress(RedisError, OSError, ValueError, AttributeError):  # it is closed under the reader
            while True:
                command = self._monitor.next_command()
                if command["client_type"] != "lua":
                    self._heard.append(command["command"])


def client_of(server: Store) -> "Redis":
    """A client of one server, for what the probe has no word for; answers are text."""
    host, port = server.address()
    return Redis(
        host=host,
        port=port,
        socket_timeout=_ANSWERS_WITHIN_S,
        socket_connect_timeout=_CONNECTS_WITHIN_S,
        decode_responses=True,
        encoding_errors="surrogateescape",
    )


def slots_of(client: "Redis") -> set[int]:
    """The slots that this master of a cluster says are its own (CLUSTER NODES, the line `myself`)."""
    with _told():
        view: dict[str, Any] = client.execute_command("CLUSTER NODES")
    own = next(member for member in view.values() if "myself" in member["flags"])
    return {slot for part in own["slots"] for slot in range(int(part[0]), int(part[-1]) + 1)}


def _scan(client: "Redis", pattern: str) -> list[str]:
    """Every key once; SCAN itself may name one twice."""
    with _told():
        return sorted(set(client.scan_iter(match=pattern, count=_BATCH)))


def _pipelined(client: "Redis", commands: list[tuple[Any, ...]]) -> list[Any]:
    with _told():
        pipeline = client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return list(pipeline.execute())


def _batches(many: list[One]) -> Iterator[list[One]]:
    for first in range(0, len(many), _BATCH):
        yield many[first : first + _BATCH]


def _seconds(milliseconds: int) -> float:
    """Of an answer to PTTL, whose negative numbers are words."""
    return milliseconds / 1000 if milliseconds >= 0 else milliseconds


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise ProbeError(f"Redis did not do what the suite asked of it: {error}") from error
