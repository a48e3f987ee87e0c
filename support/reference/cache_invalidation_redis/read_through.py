"""Reads through two caches: the node's own memory, then the shared one, then the origin; each key once at a time.

cachetools keeps the node's own entries. What stands around it is written here, because the libraries that would do
all of it leave a stale value somewhere. The client-side cache of redis-py is part of its blocking client only.
cashews (7.6.0) has one for asyncio, but not on a cluster; it keeps a value of Redis in memory without an end of its
own, also one whose invalidation came while the reply was under way; it drops the next invalidation of a key that the
node itself has set within 5 s; and its fills are not tied to a lease, so a slow reader overwrites a newer value.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cachetools import TLRUCache

from .shared_cache import UNREACHABLE, Entry, SharedCache, new_lease

Load = Callable[[], Awaitable[str]]


class ReadThrough:
    """The node's own cache in front of the shared ones, and what is being fetched for it at the moment."""

    def __init__(self, entries: int, live: Callable[[], bool]) -> None:
        """`live` says whether this node hears of every invalidation; while it does not, nothing cached is trusted."""
        self._live = live
        self._kept: TLRUCache[str, Entry] = TLRUCache(entries, ttu=lambda _key, entry, _now: entry.until)
        self._flights: dict[str, asyncio.Task[Entry]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def read(self, key: str, shared: SharedCache, load: Load) -> str:
        """The value of the key, which `load` fetches from the origin when no cache has it. Raises what `load` raises.

        Readers who come while it is fetched share that one fetch, until the key is invalidated.
        """
        if self._live() and (entry := self._kept.get(key)):
            return entry.text
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fly(key, shared, load))
        # A reader who goes away takes nobody else's answer along.
        return (await asyncio.shield(flight)).text

    def forget(self, key: str) -> None:
        """Drops the key; what is being fetched reaches those who wait for it, and is not kept."""
        self._kept.pop(key, None)
        self._flights.pop(key, None)

    def forget_under(self, prefix: str) -> None:
        """The same for every key that begins with the prefix."""
        for key in [key for key in (*self._kept, *self._flights) if key.startswith(prefix)]:
            self.forget(key)

    def forget_everything(self) -> None:
        """The same for every key there is."""
        self._kept.clear()
        self._flights.clear()

    async def _fly(self, key: str, shared: SharedCache, load: Load) -> Entry:
        try:
            entry = await self._fetch(key, shared, load)
            if self._is_current(key) and entry.until > time.monotonic():
                self._kept[key] = entry
        finally:
            if self._is_current(key):
                del self._flights[key]
        return entry

    def _is_current(self, key: str) -> bool:
        """Whether the running flight is still the one of this key; it is not once the key was invalidated."""
        return self._flights.get(key) is asyncio.current_task()

    async def _fetch(self, key: str, shared: SharedCache, load: Load) -> Entry:
        if not self._live():
            return Entry(await load(), 0)
        lease = new_lease()
        try:
            if entry := await shared.look(key, lease):
                return entry
        except UNREACHABLE:
            return Entry(await load(), 0)
        async with shared.renewed(key, lease):
            text = await load()
        with suppress(*UNREACHABLE):
            return await shared.fill(key, lease, text)
        return Entry(text, 0)
