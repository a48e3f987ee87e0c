"""Customers of the shop, and the log of what each of them got: what was counted is held against it."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.metrics_pipeline_prometheus.client import Counted, Errand, Outcome, Pass, Waiting
from support.clients.provider_control import ArmedFault
from support.worlds.crowds import for_each, threads

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_AT_ONCE = 10
_BURNS_EVERY_S = 0.05


class Visit(NamedTuple):
    """What one customer came for and got at the node of that place, and how long it took (seconds).

    For so long the warehouse has `held_s` it, at the least.
    """

    place: int
    errand: Errand
    outcome: Outcome
    took_s: float
    held_s: float = 0.0


class Way(NamedTuple):
    """To the node of which place somebody comes, and for what; or only for a glance at it, if it is an order."""

    place: int
    errand: Errand
    glance: bool = False


class Page(NamedTuple):
    """What is asked for by a path of one's own, as what it is to be counted, and what the request says besides."""

    place: int
    errand: Errand
    method: str
    path: str
    headers: Mapping[str, str] | None = None


class Customers:
    """What customers do, and what they got."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ending = threading.Event()
        self._burning: list[threading.Thread] = []
        self.visits: list[Visit] = []
        self.held: dict[str, float] = {}  # for how long the warehouse has held what has that label, at the least
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

    def fail_at_once(self, count: int, errand: Errand, place: int) -> None:
        """`count` customers come to a node, and the warehouse fails all of them at the same moment, after a scrape.

        It has let them wait until then: else a node that stands still amid them makes two moments of one.
        """
        label = self._world.fresh("order")
        match = {"path": f"*/{label}"}
        self._world.warehouse.answer(match, 500, "{}")
        held = self._world.warehouse.arm("hold_before", times=None, match=match)
        with threads(count) as pool:
            coming = [pool.submit(self._one, errand, place, label) for _ in range(count)]
            held.await_waiting(count)
            self._world.counts.await_new_scrape(place)
            held.heal()
        for one in coming:
            one.result()

    def come_by(self, ways: Sequence[Way | Page], label: str = "", shown: Pass = Pass.VALID) -> None:
        """One customer, or one who asks for a page, by each of these ways, some at a time."""
        label = label or self._world.fresh("order")
        for_each(ways, lambda way: self._come_by(way, label, shown), _AT_ONCE)

    def wait_at(self, held: ArmedFault, count: int, errand: Errand, place: int, label: str) -> list[Waiting]:
        """`count` customers whose answers the warehouse holds; returns when it holds them all."""
        node, before = self._world.nodes[place], len(held.waiting())
        self.waiting = [node.begin(errand, label) for _ in range(count)]
        held.await_waiting(before + count)
        return self.waiting

    def hear(self, errand: Errand, place: int, within_s: float) -> None:
        """Those who wait hear the answer; whoever's connection broke got none."""
        for one in self.waiting:
            heard = one.answered(within_s)
            self._note(place, errand, Outcome.SERVED if heard else Outcome.UNANSWERED, time.monotonic())

    def leave(self, waiting: Sequence[Waiting], errand: Errand, place: int) -> None:
        """Those who wait hang up."""
        for one in waiting:
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
        outcome = self._world.nodes[place].ask(errand, label, shown)
        self._note(place, errand, outcome, began, self.held.get(label, 0.0))

    def _come_by(self, way: Way | Page, label: str, shown: Pass) -> None:
        node, began = self._world.nodes[way.place], time.monotonic()
        if isinstance(way, Page):
            self._note(way.place, way.errand, node.wander(way.method, way.path, way.headers), began)
        elif way.glance:
            self._note(way.place, way.errand, node.glance(label, shown), began)
        else:
            self._one(way.errand, way.place, label, shown)

    def _note(self, place: int, errand: Errand, outcome: Outcome, began: float, held_s: float = 0.0) -> None:
        self.visits.append(Visit(place, errand, outcome, time.monotonic() - began, held_s))
        self.last = time.time()
