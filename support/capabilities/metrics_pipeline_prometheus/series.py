"""The series themselves: what every raw sample says, and how long customers waited."""

import math
import re
from itertools import pairwise, product
from typing import TYPE_CHECKING

from hamcrest import all_of, assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.metrics_pipeline_prometheus.client import SOLD, Counted, Errand
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_STOPPED_S = 0.6  # after its answer is out, on a busy machine; what a bug adds is seconds, or the wait is not there
_VALUE = re.compile(r" (\d+(?:\.\d+)?(?:e\+\d+)?)$")
_SOONER_S = 0.4  # of two scrapes, 500 ms apart, the earlier one was before the scenario began


class Series:
    """What has been stored since the scenario began."""

    def __init__(self, world: "World") -> None:
        self._world, self._draw = world, world.draw()

    def expect_resets(self, *resets: int) -> None:
        """No counter of the node at each place ever fell, but for so many times at the most: when it was restarted.

        And what its samples rose by in all is what its customers got.
        """
        self._world.counts.await_ended()
        for place, allowed in enumerate(resets):
            node = self._world.nodes[place]
            since = self._world.counts.scraped[place] - _SOONER_S
            rises: dict[Counted, float] = {}
            for labels, samples in self._world.prometheus.samples(node.counters(), since).items():
                values = [value for _, value in samples]
                steps = list(pairwise(values))
                falls = [step for step in steps if step[1] < step[0]]
                assert_that(len(falls) <= allowed, equal_to(True), f"at the most {allowed} falls of {labels}: {values}")
                risen = sum(after if after < before else after - before for before, after in steps)
                rises[node.means(labels)] = rises.get(node.means(labels), 0) + risen
            got = {one: float(count) for one, count in self._world.customers.got(place).items()}
            assert_that({one: risen for one, risen in rises.items() if risen}, equal_to(got), f"rises at {node.name}")

    def expect_same_each_time(self, count: int) -> None:
        """Whichever process of a node answers, it tells of the requests of all of them, and of how long they took."""
        for node in self._world.nodes:
            selectors = (node.counters(), node.under_way(), *(node.buckets(errand) for errand in SOLD))
            told = [_of_requests(node.exposition().text, *selectors) for _ in range(count)]
            assert_that(len(set(told)), equal_to(1), f"different answers of {node.name}, which serves nobody meanwhile")

    def expect_waits_shown(self) -> None:
        """Each bucket of each histogram holds the waits that were no longer than its bound, and no other.

        A wait was as long as the warehouse held it, at the least, and as its customer measured it, at the most; but for
        the moment for which a busy machine may stop a process after its answer is out.
        """
        self._world.counts.await_ended()
        for place, errand in product(range(len(self._world.nodes)), SOLD):
            visits = [one for one in self._world.customers.visits if (one.place, one.errand) == (place, errand)]
            for bound, told in self._buckets(place, errand, risen=True).items():
                surely = sum(one.took_s + _STOPPED_S <= bound for one in visits)
                perhaps = sum(one.held_s <= bound for one in visits)
                within = all_of(greater_than_or_equal_to(surely), less_than_or_equal_to(perhaps))
                waits = sorted(round(one.took_s, 3) for one in visits)
                where = f"for {errand.name} at {self._world.nodes[place].name}"
                assert_that(told, within, f"waits of up to {bound:g} s {where}; {self._draw}; measured: {waits}")

    def expect_told_apart(self, shortest_s: float, longest_s: float, times: float) -> None:
        """Every wait between these would be in a bucket that ends before it is so many times as long."""
        for place, errand in product(range(len(self._world.nodes)), SOLD):
            bounds = sorted(self._buckets(place, errand))
            waits = [shortest_s, *(bound for bound in bounds if shortest_s < bound < longest_s), longest_s]
            for wait in waits:
                shown = min((bound for bound in bounds if bound > wait), default=math.inf)
                within = less_than_or_equal_to(times * wait)
                assert_that(shown, within, f"as what a wait just over {wait:g} s for {errand.name} is shown; {bounds}")

    def _buckets(self, place: int, errand: Errand, risen: bool = False) -> dict[float, int]:
        """How many waits there are of up to so many seconds, by Prometheus; or by how much that has risen."""
        buckets = self._world.nodes[place].buckets(errand)
        before = f" - sum by (le) ({buckets} @ {self._world.counts.scraped[place]:.3f})" if risen else ""
        found = self._world.counts.known(place, f"sum by (le) ({buckets}){before}")
        must(found, f"there is no histogram of {errand.name} at {self._world.nodes[place].name}")
        return {float(one.labels["le"]): int(one.value) for one in found}


def values_of(text: str, *selectors: str) -> list[float]:
    """The values that an exposition gives of what the `selectors` name."""
    return [float(found[1]) for line in _of_requests(text, *selectors) if (found := _VALUE.search(line))]


def _of_requests(text: str, *selectors: str) -> tuple[str, ...]:
    """The lines of an exposition that tell of what the `selectors` name."""
    names = tuple({selector.partition("{")[0] for selector in selectors})
    return tuple(sorted(line for line in text.splitlines() if line.startswith(names)))
