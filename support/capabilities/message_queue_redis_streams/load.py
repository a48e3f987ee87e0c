"""Customers who publish all the time, so that something is under way at whatever moment a fault comes."""

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.polling import poll
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import World

_EVERY_S = 0.2  # less often than a busy machine gets a message done, or what waits grows as long as a fault lasts
_TAKES_MS = 140  # at the provider
_BEGUN_WITHIN_S = 5.0


class Load:
    """Each customer publishes one message after the other until `end`; the provider takes a moment for each."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ending = threading.Event()
        self._lines: list[Future[None]] = []
        self._slow: ArmedFault | None = None

    def begin(self, customers: int) -> None:
        """Returns when messages of theirs take effect. Raises ProbeError when none does."""
        world = self._world
        match = {"path": f"/effects/{world.batch}-*"}
        self._slow = world.provider.arm("slow", times=None, match=match, ms=_TAKES_MS)
        pool = world.closing.enter_context(threads(customers))
        world.closing.callback(self._ending.set)  # is called before the threads are waited for
        # In turn: those that publish together are done together, and then there is a moment with nothing under way.
        turns = (number * _EVERY_S / customers for number in range(customers))
        self._lines = [pool.submit(self._publish, world.customer(), turn) for turn in turns]
        if not poll(lambda: len(world.done()) > customers, _BEGUN_WITHIN_S):
            raise ProbeError(f"nothing took effect within {_BEGUN_WITHIN_S:g} s, before anything was broken")

    def end(self) -> None:
        """Nothing more is published, and the provider takes no moment any more. Raises what publishing raised."""
        self._ending.set()
        for line in self._lines:
            line.result()
        if self._slow:
            self._slow.heal()
            self._slow = None

    def interrupted(self) -> set[str]:
        """The messages whose call of the provider was broken off by its caller."""
        return {str(arrival.fields["key"]) for arrival in self._world.all_arrivals() if arrival.cut == "caller"}

    def _publish(self, customer: str, after_s: float) -> None:
        place = 0
        time.sleep(after_s)
        while not self._ending.is_set():
            self._world.accept(self._world.new(customer), place)
            place += 1
            time.sleep(_EVERY_S)
