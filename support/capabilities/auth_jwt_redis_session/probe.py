"""All that Redis holds, whatever its kind: what must not change is compared, what must be nowhere is looked for."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from support.errors import ProbeError
from support.probes.redis import RedisProbe

_SLACK_S = 0.5  # between the two looks that a snapshot is made of
_READ: Mapping[str, tuple[Any, ...]] = {  # the command and what comes after the key
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", 0, -1),
    "set": ("SORT", "ALPHA"),
    "zset": ("ZRANGE", 0, -1),
    "stream": ("XRANGE", "-", "+"),
}


@dataclass(frozen=True)
class Snapshot:
    """What each key held, and when it ends (seconds since 1970, infinite for never), at a moment of the same clock."""

    held: Mapping[str, str]
    ends: Mapping[str, float]
    taken_at: float

    def changed_until(self, later: "Snapshot") -> list[str]:
        """The keys that are new, changed, end later, or are gone before their time."""
        gone = self.held.keys() - later.held.keys()
        early = {key for key in gone if self.ends.get(key, 0) > later.taken_at + _SLACK_S}
        other = {key for key, text in later.held.items() if self.held.get(key) != text}
        longer = {key for key, end in later.ends.items() if end > self.ends.get(key, end)}
        return sorted(early | other | longer)


class SessionProbe(RedisProbe):
    """A look into a Redis that is used for accounts and sessions alone."""

    def snapshot(self) -> Snapshot:
        """What Redis holds now, and until when."""
        keys = self.keys()
        ends = dict(zip(keys, self._all([("PEXPIRETIME", key) for key in keys]), strict=True))
        # One that is kept for ever has -1, one that has ended between the two questions -2.
        kept = {key: math.inf if ms == -1 else ms / 1000 for key, ms in ends.items() if ms != -2}
        return Snapshot(self.everything(), kept, time.time())

    def everything(self) -> dict[str, str]:
        """What each key holds, as text. Raises ProbeError."""
        keys = self.keys()
        kinds = self._all([("TYPE", key) for key in keys])
        there = [(key, kind) for key, kind in zip(keys, kinds, strict=True) if kind in _READ]
        held = self._all([(_READ[kind][0], key, *_READ[kind][1:]) for key, kind in there])
        return {key: repr(text) for (key, _), text in zip(there, held, strict=True) if text}

    def _all(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        ((_, client),) = self.members.items()
        pipeline = client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            return list(pipeline.execute())
        except RedisError as error:
            raise ProbeError(f"what Redis holds could not be read: {error}") from error
