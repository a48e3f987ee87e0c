"""Customers who get what they came for, among others who do not."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import SOLD, Errand
from support.capabilities.metrics_pipeline_prometheus.customers import Page, Way
from support.worlds.crowds import threads
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

OF_NOBODY = ("PATCH", "PROPFIND", "SEARCH", "PURGE")  # methods by which nobody comes for anything
_OTHERS_EVERY_S = 0.04


class Visits:
    """Many of them."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def of_every_kind(self, count: int) -> None:
        """`count` customers of each node for each of what the shop has, as many who glance at an order, and a scanner.

        It comes first, so that every process has met it before its customers, and then amid them. It tries other
        methods at the very paths at which they come, and paths that look like these. In which order all come is drawn.
        """
        label, draw = self._world.fresh("order"), self._world.draw()
        places = range(len(self._world.nodes))
        scanned = [page for place in places for page in self.beside(place, label)]
        kinds = [(errand, False) for errand in SOLD] + [(Errand.LOOK, True)]
        came: list[Way | Page] = [Way(place, *kind) for place in places for kind in kinds for _ in range(count)]
        self._world.customers.come_by(draw.sample(scanned, len(scanned)), label)
        self._world.customers.come_by(draw.sample([*came, *scanned], len(came) + len(scanned)), label)

    def beside(self, place: int, label: str) -> list[Page]:
        """What is not there, at and beside the paths at which customers come to that node."""
        node = self._world.nodes[place]
        there = [(method, node.where(errand, label)) for errand in SOLD for method in OF_NOBODY]
        near = [(method, path) for errand in SOLD for path in node.beside(errand, label) for method in ("GET", "POST")]
        return [Page(place, Errand.NOTHING, *one) for one in there + near]

    def served(self, count: int) -> None:
        """`count` customers of each node look at orders."""
        for place in range(len(self._world.nodes)):
            self._world.customers.come(count, Errand.LOOK, place)

    def wait(self, count: int, shortest_s: float, longest_s: float) -> None:
        """`count` customers of both nodes wait, each for a time of their own, and others come who need not.

        These times lie about evenly between the shortest and the longest; precisely where is drawn.
        """
        draw, step = self._world.draw(), (longest_s - shortest_s) / count
        times = [shortest_s + step * (number + draw.random()) for number in range(count)]
        every = turns([Way(place, errand) for errand in SOLD for place in range(len(self._world.nodes))])
        ways = dict(zip(draw.sample(times, count), every, strict=False))
        with threads(count + 1) as pool:
            slow = _Slow(self._world, ways, pool)
            others = pool.submit(self._others, longest_s)
            slow.release()
        for one in (*slow.coming, others):
            one.result()

    def _others(self, for_s: float) -> None:
        """Somebody who is served at once, again and again: every process meets some while it lets others wait."""
        end = time.monotonic() + for_s
        for way in turns([Way(place, errand) for errand in SOLD for place in range(len(self._world.nodes))]):
            if time.monotonic() > end:
                break
            self._world.customers.come_by([way])
            self._world.let_pass(_OTHERS_EVERY_S)


class _Slow:
    """Customers of whom the warehouse lets each wait for a time: orders before it answers, exports midway."""

    def __init__(self, world: "World", ways: Mapping[float, Way], pool: ThreadPoolExecutor) -> None:
        """They come in threads of `pool`; returns when the warehouse holds them all."""
        self._world, own = world, world.fresh("slow")
        arm = world.warehouse.arm
        self._hanging = arm("hang", times=None, match={"path": f"*/{own}-export-*"}, part="body")
        self._held = arm("hold_before", times=None, match={"path": f"*/{own}-order-*"})
        self._labels = {
            wait: f"{own}-{'export' if way.errand is Errand.EXPORT else 'order'}-{number}"
            for number, (wait, way) in enumerate(ways.items())
        }
        self.coming = [
            pool.submit(world.customers.come, 1, way.errand, way.place, self._labels[wait])
            for wait, way in ways.items()
        ]
        exports = sum(way.errand is Errand.EXPORT for way in ways.values())
        seen = [*self._hanging.await_waiting(exports), *self._held.await_waiting(len(ways) - exports)]
        self._seqs = {arrival.path.rpartition("/")[2]: arrival.seq for arrival in seen}
        self._began = time.monotonic()

    def release(self) -> None:
        """Lets each go when its time has come: an export breaks off, and all else is answered."""
        for wait, label in sorted(self._labels.items()):
            wait_until(self._began + wait)
            self._world.customers.held[label] = time.monotonic() - self._began
            (self._hanging.cut if "-export-" in label else self._held.release)(self._seqs[label])
