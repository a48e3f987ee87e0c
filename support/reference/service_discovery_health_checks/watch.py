"""The instances of one service, as Consul tells of each change (blocking queries, Consul's documentation)."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from .agent import TROUBLE, connect

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 1.0

logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where an instance is, what it is marked with, and whether it is to be called."""

    address: str
    port: int
    tags: frozenset[str] = frozenset()
    usable: bool = True


class Watch:
    """What is known of one service, kept up to date by a thread of its own until `end`."""

    def __init__(self, consul_url: str, service: str, wait_s: float) -> None:
        self.places: list[Place] = []  # the last that Consul named, whatever became of Consul
        self.heard = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._service, self._wait = service, f"{wait_s:g}s"
        self._consul = connect(consul_url)
        self._ended = False
        # A thread that waits for Consul does not hold up the end of the process.
        threading.Thread(target=self._run, daemon=True).start()

    def end(self) -> None:
        """Does not ask again."""
        self._ended = True

    def _run(self) -> None:
        index, pause = None, FIRST_PAUSE_S
        while not self._ended:
            try:
                told, entries = self._consul.health.service(self._service, index=index, wait=self._wait)
                self._take(entries)
                if not self.places:
                    return  # there is no such service; whoever calls it again looks again
                # A registry that counts from another beginning would let whoever waits by the old number wait long.
                index = told if int(told) >= int(index or 0) else None
                pause = FIRST_PAUSE_S
            except TROUBLE as error:
                logger.warning("Consul does not tell of %s: %s", self._service, error)
                index = None  # whoever answers next may have lost everything
                time.sleep(pause)  # longer each time, so that an agent that is down is not hammered
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def _take(self, entries: Any) -> None:
        places = sorted(set(_read(entries)))
        # A registry that has lost its data names nobody, and those whom it named before serve on. Whoever really has
        # gone refuses connections, which costs a moment; an empty list would cost every call.
        if places:
            self.places = places
        self._loop.call_soon_threadsafe(self.heard.set)


def _read(entries: Any) -> Iterator[Place]:
    """Those of Consul's entries that can be called at all. Raises ValueError when it is no list of entries."""
    if not isinstance(entries, list):
        raise ValueError(f"expected a list of instances, got {entries!r}")
    for entry in entries:
        service = entry.get("Service") or {}
        address, port = service.get("Address") or (entry.get("Node") or {}).get("Address"), service.get("Port")
        if address and port:
            failing = any(check.get("Status") == "critical" for check in entry.get("Checks") or [])
            yield Place(address, port, frozenset(service.get("Tags") or []), usable=not failing)
