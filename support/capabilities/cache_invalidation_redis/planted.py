"""Entries that the suite has put into the caches, as the platform would have."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from support.probes.redis import RedisProbe
from support.promise import must
from support.worlds.world import World

_KEPT_S = 120.0  # what is to be cleared must not end by itself before that


class Planted:
    """Entries of which a clear is meant to remove some and to spare others; what is left is taken out at the end."""

    def __init__(self, world: World[Any]) -> None:
        self._doomed: defaultdict[RedisProbe, set[str]] = defaultdict(set)
        self._spared: defaultdict[RedisProbe, set[str]] = defaultdict(set)
        world.opened(self)

    def plant(self, store: RedisProbe, keys: Iterable[str], value: str, spared: bool) -> None:
        """`store` keeps `value` under each of `keys`, which a clear is meant for, or which it is to spare."""
        fresh = set(keys)
        store.keep(dict.fromkeys(fresh, value), _KEPT_S)
        (self._spared if spared else self._doomed)[store].update(fresh)

    def expect_cleared(self) -> None:
        """None of the entries that a clear was meant for is left, and all of the others are. AssertionError if not."""
        for store, doomed in self._doomed.items():
            there, spared = set(store.keys()), self._spared[store]
            left, lost = doomed & there, spared - there
            must(not left, f"{len(left)} of {len(doomed)} are left after the clear, such as {sorted(left)[:3]}")
            must(not lost, f"{len(lost)} of {len(spared)} others are gone, such as {sorted(lost)[:3]}")

    def close(self) -> None:
        """Takes out what is left."""
        for planted in (self._doomed, self._spared):
            for store, keys in planted.items():
                store.drop(*keys.intersection(store.keys()))
