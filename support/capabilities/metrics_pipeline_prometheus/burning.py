"""Customers who get errors, for a moment or for long, and what whoever is on call is told of that."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Alarm, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.oncall import A_MOMENT_S, ALL_DOWN, DOWN, Trouble
from support.errors import ProbeError
from support.polling import poll
from support.promise import broken
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World
    from support.probes.prometheus import Active

_TOLD_WITHIN_S = 8.0
_EVALUATED_EVERY_S = 0.25
_SEEN_UP_WITHIN_S = 5.0
_TO_THE_MS = 0.002
_HELD_FOR = "seconds from when it was pending until it fired, by Prometheus"
_SILENT_FOR_S = 60.0
_ALL = [
    Trouble(Alarm.ERRORS, errand, place) for errand in (Errand.ORDER, Errand.LOOK, Errand.EXPORT) for place in (0, 1)
]
_BESIDE = [
    *_ALL,
    *(Trouble(Alarm.ORDER_FAILED, Errand.ORDER, place) for place in (0, 1)),
    Trouble(Alarm.BUDGET_BURNS),
]
_ALL_EVERY_S = 0.15  # six who come more often would keep a core busy
_ORDER_FAILED = Trouble(Alarm.ORDER_FAILED, Errand.ORDER)


class Burning:
    """Looks at orders that fail at a node, or orders that do."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.trouble = Trouble(Alarm.ERRORS, Errand.LOOK)
        self._seen: Active | None = None

    def until_told(self) -> None:
        """Looks fail at the first node until somebody is told of it."""
        self._world.customers.burn(Errand.LOOK, 0)
        self._await_told()

    def until_told_beside_burst(self, count: int) -> None:
        """The same, and meanwhile `count` looks fail at the second node, all at once; after that none does."""
        self._world.customers.burn(Errand.LOOK, 0)
        self._burst(count, 1)
        self._await_told()
        self.end()

    def all_until_firing(self) -> None:
        """All that customers come for fails at both nodes until Prometheus itself says that every alarm fires."""
        for errand in (Errand.ORDER, Errand.LOOK, Errand.EXPORT):
            self._world.customers.burn(errand, 0, 1, every_s=_ALL_EVERY_S)
        for one in _ALL:
            self._world.on_call.await_active(one, firing=True, within_s=_TOLD_WITHIN_S)

    def end(self) -> None:
        """No customer comes any more."""
        self._world.customers.stop_burning()

    def expect_held_for(self, held_s: float, late_s: float) -> None:
        """It had held for `held_s` when it began to fire, and at the most for `late_s` more.

        But for the time for which Prometheus looked at no rule, because the machine stood still: it looks at them all
        the time, and what comes later than usual after the look before is not held against it.
        """
        seen = self._seen or broken("the alert has not been seen")
        fired = self._world.on_call.told(self.trouble, firing=True)[0].started
        looks = [at for at in self._world.on_call.pending(self.trouble, seen.since - _TO_THE_MS) if at < fired] or [
            seen.since
        ]
        usual = min((after - before for before, after in pairwise([*looks, fired])), default=0.0)
        assert_that(fired - seen.since, greater_than_or_equal_to(held_s - _TO_THE_MS), _HELD_FOR)
        assert_that(looks[-1] + usual - seen.since, less_than_or_equal_to(held_s + late_s), _HELD_FOR)

    def orders_at_once(self, count: int, *places: int) -> None:
        """`count` orders fail at each of these nodes, all between two scrapes of it."""
        self._began = time.time()
        for place in places:
            self._world.customers.fail_at_once(count, Errand.ORDER, place)

    def orders_at_once_until_firing(self, count: int) -> None:
        """The same at both nodes, and Prometheus itself says that the alarm of the first one fires."""
        with threads(1) as pool:
            alarm = pool.submit(self._world.on_call.await_active, _ORDER_FAILED, firing=True, within_s=_TOLD_WITHIN_S)
            self.orders_at_once(count, 0, 1)
        alarm.result()

    def expect_told_of_orders(self, within_s: float, place: int) -> None:
        """Somebody is told once that orders failed. Raises ProbeError when a scrape came in between after all."""
        trouble = _ORDER_FAILED._replace(place=place)
        self._world.on_call.await_told(trouble, firing=True, within_s=within_s)
        self._world.on_call.expect_once(trouble)
        series = self._world.nodes[place].series(Errand.ORDER, Outcome.NEIGHBOUR_FAILED)
        samples = self._world.prometheus.samples(series, self._began)
        values = {value for one in samples.values() for _, value in one}
        if len(values) > 2:
            raise ProbeError(f"a scrape came between the orders that were to fail at once: {sorted(values)}")

    def let_receiver_refuse(self, count: int) -> None:
        """The receiver answers the next `count` notifications that it is unavailable."""
        name = self._world.nodes[0].alarm(self.trouble.alarm)["alertname"]
        self._refusing = self._world.on_call.receiver.arm("status", times=count, match={"alert": name}, status=503)

    def expect_told_after_refusals(self, count: int, within_s: float) -> None:
        """Within `within_s` somebody is told of all that fails, and so many notifications have been refused.

        Raises FaultError if these were not refused.
        """
        end = time.monotonic() + within_s
        for one in _ALL:
            self._world.on_call.await_told(one, firing=True, within_s=max(1.0, end - time.monotonic()))
        self._refusing.await_hits(count)

    def expect_not_told_again(self) -> None:
        """A moment later nobody has been told again of what fails. ProbeError when Prometheus could not see it."""
        before = [len(self._world.on_call.told(one, firing=True)) for one in _ALL]
        self._world.let_pass(A_MOMENT_S)
        after = [len(self._world.on_call.told(one, firing=True)) for one in _ALL]
        if after != before:
            self._world.counts.expect_seen(A_MOMENT_S + 2 * _EVALUATED_EVERY_S)
        assert_that(after, equal_to(before), f"how often somebody was told of {_ALL}")

    def raise_all(self) -> None:
        """Every alarm of both nodes is raised, and the first node is down."""
        self._world.on_call.raise_all([DOWN, *_BESIDE])

    def expect_all_told(self, within_s: float) -> None:
        """Within `within_s` somebody is told once of each."""
        end = time.monotonic() + within_s
        for one in (DOWN, *_BESIDE):
            self._world.on_call.await_told(one, firing=True, within_s=max(0.0, end - time.monotonic()))
            self._world.on_call.expect_once(one)

    def expect_all_over(self, within_s: float) -> None:
        """They are over, and within `within_s` somebody is told so of each."""
        self._world.on_call.end_all()
        end = time.monotonic() + within_s
        for one in (DOWN, *_BESIDE):
            self._world.on_call.await_told(one, firing=False, within_s=max(0.0, end - time.monotonic()))
            self._world.on_call.expect_once(one)

    def silence_orders(self) -> None:
        """An operator silences orders that fail at the first node."""
        self._world.on_call.silence(_ORDER_FAILED, _SILENT_FOR_S)

    def expect_not_told_of_orders(self, for_s: float) -> None:
        """For `for_s` nobody is told that orders fail at the first node."""
        self._world.on_call.expect_not_told(_ORDER_FAILED, firing=True, for_s=for_s)

    def expect_told_once(self) -> None:
        """Somebody was told once of errors at the first node."""
        self._world.on_call.expect_once(self.trouble)

    def expect_over(self, within_s: float) -> None:
        """Within `within_s` somebody is told once that they are over."""
        self._world.on_call.expect_over_once(self.trouble, within_s)

    def expect_not_over(self) -> None:
        """Nobody has been told that they are over."""
        self._world.on_call.expect_not_told(self.trouble, firing=False, for_s=0)

    def expect_over_once_back(self, within_s: float) -> None:
        """No customer comes any more, the first node is back, and somebody is told that they and the outage are over.

        And they had been told once that they get errors.
        """
        self.end()
        self._world.faults.mend(self._world.nodes[0].name)
        self._world.counts.await_up(0, _SEEN_UP_WITHIN_S)
        for trouble in (self.trouble, ALL_DOWN):
            self._world.on_call.await_told(trouble, firing=False, within_s=within_s)
        self.expect_told_once()

    def expect_burst_passed(self) -> None:
        """Of the burst at the second node nobody was told, and its alert has ended as it began."""
        burst = self.trouble._replace(place=1)
        self._world.on_call.expect_not_told(burst, firing=True, for_s=0)
        assert_that(self._world.on_call.active(burst), empty(), "alerts of what is over")

    def _burst(self, count: int, place: int) -> None:
        """`count` looks fail at a node, at once, of which Prometheus takes notice."""
        trouble, began = self.trouble._replace(place=place), time.time()
        self._world.customers.fail_at_once(count, Errand.LOOK, place)
        # It takes notice for a second or two, which whoever asks what there is now may miss.
        if not poll(lambda: self._world.on_call.pending(trouble, began), _TOLD_WITHIN_S):
            self._world.counts.expect_seen(time.time() - began)
            broken(f"for {_TOLD_WITHIN_S:g} s Prometheus has taken no notice of {trouble}")

    def _await_told(self) -> None:
        self._seen = self._world.on_call.await_active(self.trouble, firing=False, within_s=_TOLD_WITHIN_S)
        self._world.on_call.await_told(self.trouble, firing=True, within_s=_TOLD_WITHIN_S)
        # What fires may have begun anew since it was first pending, where a scrape came too late.
        self._seen = next((one for one in self._world.on_call.active(self.trouble) if one.firing), self._seen)
