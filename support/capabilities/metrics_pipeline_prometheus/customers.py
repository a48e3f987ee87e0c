"""Customers of the shop, and the log of what each of them got: what was counted is held against it."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.metrics_pipeline_prometheus.client import Counted, Errand, Outcome, Pass
from support.clients.provider_control import ArmedFault
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_AT_ONCE = 10
_BURNS_EVERY_S = 0.05


class Visit(NamedTuple):
    """What one customer came for and got at the node of that place, and how long it took (seconds)."""

    place: int
    errand: Errand
    outcome: Outcome
    took_s: float


class Customers:
    """What customers do, and what they got."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ending = threading.Event()
        self._burning: list[threading.Thread] = []
        self.visits: list[Visit] = []
        self.last = 0.0  # when the last answer came (seconds since the epoch)
        world.closing.callback(self.stop_burning)

    def got(self, place: int) -> Counter[Counted]:
        """How often customers of one node got what, but for those who were not let in at all."""
        visits = [visit for visit in self.visits if visit.place == place and visit.outcome is not Outcome.UNANSWERED]
        return Counter(Counted(visit.errand, visit.outcome) for visit in visits)

    def come(self, count: int, errand: Errand, place: int, label: str = "", shown: Pass = Pass.VALID) -> None:
        """`count` customers, some at a time."""
        label = label or self._world.fresh("order")
        for_each(range(count), lambda _: self._one(errand, place, label, shown), _AT_ONCE)

    def glance(self, count: int, place: int) -> None:
        """`count` customers who look at orders, and want no more of the answer than its head."""
        for _ in range(count):
            began, outcome = time.monotonic(), self._world.nodes[place].glance(self._world.fresh("order"))
            self._note(place, Errand.LOOK, outcome, began)

    def wander(self, asked: Sequence[tuple[str, str]], place: int) -> None:
        """Some who ask for anything, by a method and a path."""
        node = self._world.nodes[place]
        for_each(asked, lambda one: self._note(place, Errand.NOTHING, node.wander(*one), time.monotonic()), _AT_ONCE)

    def wait_at(self, held: ArmedFault, count: int, errand: Errand, place: int, label: str) -> None:
        """`count` customers whose answers the warehouse holds; returns when it holds them all."""
        node, before = self._world.nodes[place], len(held.waiting())
        self.waiting = [node.begin(errand, label) for _ in range(count)]
        held.await_waiting(before + count)

    def hear(self, errand: Errand, place: int, within_s: float) -> None:
        """Those who wait hear the answer; whoever's connection broke got none."""
        for one in self.waiting:
            heard = one.answered(within_s)
            self._note(place, errand, Outcome.SERVED if heard else Outcome.UNANSWERED, time.monotonic())

    def leave(self, errand: Errand, place: int) -> None:
        """Those who wait hang up."""
        for one in self.waiting:
            one.hang_up()
            self._note(place, errand, Outcome.LEFT, time.monotonic())

    def note_the_time(self) -> None:
        """Something has been answered just now, although nobody heard it."""
        self.last = time.time()

    def burn(self, errand: Errand, *places: int, every_s: float = _BURNS_EVERY_S) -> None:
        """Customers come to these nodes all the time, and the warehouse fails them, until `stop_burning`."""
        label = self._world.fresh("order")
        self._world.warehouse.arm("status", times=None, match={"path": f"*/{label}"}, status=500)
        self._ending.clear()
        for place in places:
            thread = threading.Thread(target=self._burn, args=(errand, place, label, every_s), daemon=True)
            thread.start()
            self._burning.append(thread)

    def stop_burning(self) -> None:
        """They do not come any more."""
        self._ending.set()
        while self._burning:
            self._burning.pop().join()

    def _burn(self, errand: Errand, place: int, label: str, every_s: float) -> None:
        while not self._ending.wait(every_s):
            self._one(errand, place, label)

    def _one(self, errand: Errand, place: int, label: str, shown: Pass = Pass.VALID) -> None:
        began = time.monotonic()
        self._note(place, errand, self._world.nodes[place].ask(errand, label, shown), began)

    def _note(self, place: int, errand: Errand, outcome: Outcome, began: float) -> None:
        self.visits.append(Visit(place, errand, outcome, time.monotonic() - began))
        self.last = time.time()
