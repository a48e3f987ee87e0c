"""What Prometheus has counted since the scenario began, held against what customers got."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.metrics_pipeline_prometheus.client import FAILURES, SOLD, Counted, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.series import values_of
from support.errors import ProbeError
from support.polling import look_until, poll
from support.probes.prometheus import Sample
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_SCRAPED_WITHIN_S = 12.0  # Prometheus finds its targets 5 s after its start
_SEEN_WITHIN_S = 3.0  # a scrape that comes too late for its 500 ms is followed by one that does not
_ENDED_WITHIN_S = 3.0
_ENDED_S = 0.1  # a request is counted once its answer is out


class Counts:
    """The counters of every node, from the moment of `begin`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._before: list[Counter[Counted]] = []
        self._measured_before: list[Counter[str]] = []
        self._there: list[set[frozenset[tuple[str, str]]]] = []
        self.scraped: list[float] = []  # when each node was scraped well, last before that

    def begin(self) -> None:
        """Returns when Prometheus knows all that was before: what the nodes tell now, or what it has scraped since."""
        if not all(self._knows_all(place) for place in range(len(self._world.nodes))):
            self.await_scrapes(time.time())
        places = range(len(self._world.nodes))
        self.scraped = [self.known(place, f"timestamp({self._world.nodes[place].up()})")[0].value for place in places]
        self._before = [self._now(place) for place in places]
        self._measured_before = [self._measured(place) for place in places]
        self._there = [{_name(one) for one in self._series(place)} for place in places]

    def known(self, place: int, query: str) -> list[Sample]:
        """What `query`, of one node, finds once the last scrape of that node has gone well.

        One that has not takes all that the node has told out of sight until the next. ProbeError if that does not come.
        """
        seen = f"({query}) and on () ({self._world.nodes[place].up()} == 1)"
        found = poll(lambda: self._world.prometheus.ask(seen), _SEEN_WITHIN_S)
        if not found:
            self.expect_seen(_SEEN_WITHIN_S)
        return found

    def await_scrapes(self, after: float) -> None:
        """Returns when Prometheus has scraped every node after that moment. Raises ProbeError."""
        for place in range(len(self._world.nodes)):
            self.await_up(place, _SCRAPED_WITHIN_S, after)

    def await_ended(self) -> None:
        """Returns when Prometheus has scraped every node since whatever customers asked for has ended there, too."""
        self.await_scrapes(self._world.customers.last + _ENDED_S)
        left = any(visit.outcome is Outcome.LEFT for visit in self._world.customers.visits)
        if left or not self._nobody_is_under_way():
            # Who left does not see when that was noticed; and the scrape that tells so may have come amid the counting.
            poll(self._nobody_is_under_way, _ENDED_WITHIN_S)
            self.await_scrapes(time.time())

    def await_rest_ended(self, place: int, waiting: int) -> None:
        """Returns when only `waiting` are under way at the node, as it tells itself, or does not tell so in time.

        A process may stand still between an answer and its count; what is killed just then cannot have counted it.
        """
        node = self._world.nodes[place]
        poll(lambda: sum(values_of(node.exposition().text, node.under_way())) == waiting, _ENDED_WITHIN_S)

    def await_new_scrape(self, place: int) -> None:
        """Returns just after a scrape of one node that has gone well. Raises ProbeError."""
        self.await_up(place, _SCRAPED_WITHIN_S)

    def await_up(self, place: int, within_s: float, after: float | None = None) -> None:
        """Returns when a scrape of one node that began after that moment, by default now, has gone well.

        AssertionError when the node does not tell even the suite. Raises ProbeError.
        """
        node = self._world.nodes[place]
        well = f"timestamp({node.up()}) > {after or time.time():.3f} and {node.up()} == 1"
        if not poll(lambda: self._world.prometheus.ask(well), within_s):
            node.exposition()
            raise ProbeError(f"Prometheus has not reached {node.name} within {within_s:g} s")

    def expect_seen(self, for_s: float) -> None:
        """Every node that no fault holds has been scraped well for the last `for_s` seconds. Raises ProbeError.

        Whoever could not see a node in time, because the machine is slow, can know nothing of it.
        """
        for node in self._world.nodes:
            seen = self._world.prometheus.ask(f"min_over_time({node.up()}[{for_s * 1000:.0f}ms]) == 1")
            if not seen and node.name not in self._world.faults.held:
                raise ProbeError(f"within the last {for_s:g} s Prometheus could not scrape {node.name} in time")

    def counted(self, place: int) -> Counter[Counted]:
        """What has been counted at one node since, by Prometheus."""
        return self._now(place) - self._before[place]

    def expect_what_customers_got(self) -> None:
        """On each node precisely what its customers got, by what they came for, and as many waits were measured.

        And nobody is under way any more.
        """
        self.await_ended()
        drawn = self._world.draw()
        for place, node in enumerate(self._world.nodes):
            got = self._world.customers.got(place)
            assert_that(
                _shown(self.counted(place)), equal_to(_shown(got)), f"requests to {node.name}, and in metrics; {drawn}"
            )
            measured = self._measured(place)
            measured.subtract(self._measured_before[place])
            came = Counter(_word(one.errand) for one in got.elements())
            assert_that(_some(measured), equal_to(_some(came)), f"waits that were measured at {node.name}")
            self.expect_under_way(place, 0)

    def expect_there_before(self) -> None:
        """Every series that has counted something was there when it began: what is born at 1 has not risen."""
        for place, node in enumerate(self._world.nodes):
            born = [one.labels for one in self._series(place) if one.value and _name(one) not in self._there[place]]
            assert_that(born, empty(), f"counts of {node.name} that were not there before their first customer came")

    def expect_under_way(self, place: int, count: int, within_s: float = 0) -> None:
        """So many are under way at the node, within `within_s`, by Prometheus."""
        seen = look_until(lambda found: found == count, lambda: self._under_way(place), within_s)
        assert_that(seen, equal_to(count), "requests under way, by the metrics")

    def expect_declared(self, place: int) -> None:
        """Each ending of each errand is there, at 0, before any customer has come. Raises ProbeError if one has."""
        self.await_up(place, _SCRAPED_WITHIN_S)
        series = self._series(place)
        means = {self._world.nodes[place].means(sample.labels) for sample in series}
        wanted = {(errand, outcome) for errand in Errand for outcome in _DECLARED[errand]}
        assert_that({(one.errand, one.outcome) for one in means} & wanted, equal_to(wanted), "series that are there")
        if any(sample.value for sample in series):
            raise ProbeError("the node was asked for something before it was looked at")

    def _knows_all(self, place: int) -> bool:
        """Whether what Prometheus knows of a node that it sees adds up to what the node tells."""
        node = self._world.nodes[place]
        selectors = (node.counters(), *(node.buckets(errand) for errand in Errand))
        known = [sample.value for one in dict.fromkeys(selectors) for sample in self._world.prometheus.ask(one)]
        told = values_of(node.exposition().text, *selectors)
        return bool(self._world.prometheus.ask(f"{node.up()} == 1")) and bool(known) and sum(known) == sum(told)

    def _now(self, place: int) -> Counter[Counted]:
        node = self._world.nodes[place]
        found: Counter[Counted] = Counter()
        for sample in self._series(place):
            found[node.means(sample.labels)] += int(sample.value)
        return found

    def _measured(self, place: int) -> Counter[str]:
        """How many waits the histograms of one node hold, by what customers came for."""
        found: Counter[str] = Counter()
        for errand in Errand:
            buckets = self.known(place, f"sum by (le) ({self._world.nodes[place].buckets(errand)})")
            found[_word(errand)] = int(max((sample.value for sample in buckets), default=0.0))
        return found

    def _nobody_is_under_way(self) -> bool:
        return not any(self._under_way(place) for place in range(len(self._world.nodes)))

    def _under_way(self, place: int) -> int:
        found = self.known(place, self._world.nodes[place].under_way())
        must(found, f"Prometheus knows of nothing that says how many are under way at {self._world.nodes[place].name}")
        return int(sum(sample.value for sample in found))

    def _series(self, place: int) -> list[Sample]:
        return self.known(place, self._world.nodes[place].counters())


_DECLARED = {
    **{errand: (Outcome.SERVED, *FAILURES[errand]) for errand in SOLD},
    Errand.NOTHING: (Outcome.NOT_THERE,),
}


def _name(sample: Sample) -> frozenset[tuple[str, str]]:
    return frozenset(sample.labels.items())


def _shown(counted: Counter[Counted]) -> dict[str, int]:
    """Sorted, and in words, so that two of them are easily compared in a message."""
    named = {f"{_word(one.errand)} {_word(one.outcome)}": count for one, count in counted.items()}
    return _some(named)


def _some(counted: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counted.items()) if count}


def _word(one: Errand | Outcome | None) -> str:
    return one.name.lower() if one else "unknown"
