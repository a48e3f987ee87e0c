"""The series themselves: what every raw sample says, and how long customers waited."""

import math
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from hamcrest import all_of, assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Counted, Errand
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_LATER_S = 0.5  # by how much less or more a quantile is looked at, so that all of it has been scraped


class Series:
    """What has been stored since the scenario began."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def expect_resets(self, *resets: int) -> None:
        """No counter of the node at each place ever fell, but for so many times at the most: when it was restarted.

        And what its samples rose by in all is what its customers got.
        """
        self._world.counts.await_scrapes(self._world.customers.last + 0.1)
        last_s = time.time() - self._world.counts.began + _LATER_S
        for place, allowed in enumerate(resets):
            node = self._world.nodes[place]
            rises: dict[Counted, float] = {}
            for labels, values in self._world.prometheus.samples(node.counters(), last_s).items():
                steps = list(pairwise(values))
                falls = [step for step in steps if step[1] < step[0]]
                assert_that(len(falls) <= allowed, equal_to(True), f"at the most {allowed} falls of {labels}: {values}")
                risen = sum(after if after < before else after - before for before, after in steps)
                rises[node.means(labels)] = rises.get(node.means(labels), 0) + risen
            got = {one: float(count) for one, count in self._world.customers.got(place).items()}
            assert_that({one: risen for one, risen in rises.items() if risen}, equal_to(got), f"rises at {node.name}")

    def expect_same_each_time(self, count: int) -> None:
        """Whichever process of a node answers, it tells of the requests of all of them."""
        for node in self._world.nodes:
            told = [_of_requests(node.exposition().text, node.counters()) for _ in range(count)]
            assert_that(len(set(told)), equal_to(1), f"different answers of {node.name}, which serves nobody meanwhile")

    def expect_quantile_of_exports(self, share: float) -> None:
        """The quantile of exports."""
        self._world.counts.await_scrapes(self._world.customers.last + 0.1)
        self._expect_quantile(share, Errand.EXPORT)

    def expect_waits_told(self, longest_s: float) -> None:
        """The histogram of exports tells a wait of `longest_s` from one without end: it has a bound that is no less."""
        buckets = self._world.prometheus.ask(f"sum by (le) ({self._world.nodes[0].buckets(Errand.EXPORT)})")
        bounds = [float(one.labels["le"]) for one in buckets]
        longest = max((bound for bound in bounds if math.isfinite(bound)), default=0.0)
        assert_that(longest, greater_than_or_equal_to(longest_s), "seconds up to which waits are told")

    def _expect_quantile(self, share: float, errand: Errand) -> None:
        """The quantile that the histogram gives is in the bucket of the true one, or the next to it."""
        took = sorted(visit.took_s for visit in self._world.customers.visits if visit.errand is errand)
        true = took[math.ceil(share * len(took)) - 1]
        buckets, began = self._world.nodes[0].buckets(errand), self._world.counts.began
        risen = f"sum by (le) ({buckets}) - sum by (le) ({buckets} @ {began:.3f})"
        found = self._world.prometheus.ask(f"histogram_quantile({share}, {risen})")
        must(found, f"there is no histogram of {errand}")
        bounds = sorted({float(one.labels["le"]) for one in self._world.prometheus.ask(f"sum by (le) ({buckets})")})
        place = next(number for number, bound in enumerate(bounds) if true <= bound)
        lowest = bounds[place - 2] if place > 1 else 0.0
        highest = bounds[min(place + 1, len(bounds) - 1)]
        within = all_of(greater_than_or_equal_to(lowest), less_than_or_equal_to(highest))
        assert_that(found[0].value, within, f"seconds by the histogram; customers measured {true:.3f}")
        must(highest < 10 * true, f"a bucket up to {highest:g} s says nothing of {true:.3f} s; there are {bounds}")


def _of_requests(text: str, selector: str) -> tuple[str, ...]:
    """The lines of an exposition that tell of the counter that `selector` names."""
    name = selector.partition("{")[0]
    return tuple(sorted(line for line in text.splitlines() if line.startswith(f"{name}{{")))
