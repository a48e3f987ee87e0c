"""Customers who get errors, for a moment or for long, and what whoever is on call is told of that."""

from typing import TYPE_CHECKING

from hamcrest import all_of, assert_that, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Alarm, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.oncall import Trouble
from support.errors import ProbeError
from support.promise import broken
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World
    from support.probes.prometheus import Active

_TOLD_WITHIN_S = 8.0
_EVALUATED_EVERY_S = 0.5
_TO_THE_MS = 0.002
_A_MOMENT_S = 1.5  # a group is told of again 1 s later, if there is something to tell
_SILENT_FOR_S = 60.0


class Burning:
    """Looks at orders that fail at a node, or orders that do."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.trouble = Trouble(Alarm.ERRORS, Errand.LOOK)
        self._seen: Active | None = None

    def until_told(self) -> None:
        """Looks fail at the first node until somebody is told of it."""
        self._world.customers.burn(Errand.LOOK, 0)
        self._seen = self._world.on_call.await_active(self.trouble, firing=False, within_s=_TOLD_WITHIN_S)
        self._world.on_call.await_told(self.trouble, firing=True, within_s=_TOLD_WITHIN_S)

    def until_firing(self, *places: int) -> None:
        """Looks fail at these nodes until Prometheus itself says that their alarms fire."""
        self._world.customers.burn(Errand.LOOK, *places)
        for place in places:
            self._world.on_call.await_active(self.trouble._replace(place=place), firing=True, within_s=_TOLD_WITHIN_S)

    def end(self) -> None:
        """No customer comes any more."""
        self._world.customers.stop_burning()

    def once(self, count: int) -> None:
        """`count` looks fail at the first node, at once, and after that none does."""
        label = self._world.fresh("order")
        self._world.warehouse.arm("status", times=None, match={"path": f"*/{label}"}, status=500)
        # Prometheus takes notice for a second or two, so it is asked from before the burst on.
        with threads(1) as pool:
            notice = pool.submit(self._world.on_call.await_active, self.trouble, firing=False, within_s=_TOLD_WITHIN_S)
            self._world.customers.come(count, Errand.LOOK, 0, label)
        self._seen = notice.result()

    def expect_held_for(self, held_s: float) -> None:
        """It had held for `held_s` when it began to fire, and at the most for one evaluation more."""
        seen = self._seen or broken("the alert has not been seen")
        notice = self._world.on_call.told(self.trouble, firing=True)[0]
        passed = notice.started - seen.since
        within = all_of(
            greater_than_or_equal_to(held_s - _TO_THE_MS), less_than_or_equal_to(held_s + _EVALUATED_EVERY_S)
        )
        assert_that(passed, within, "seconds from when it was pending until it fired, by Prometheus")

    def orders_at_once(self, count: int) -> None:
        """`count` orders fail at the first node, all between two scrapes of it."""
        label = self._world.fresh("order")
        self._world.warehouse.arm("status", times=None, match={"path": f"*/{label}"}, status=500)
        self._world.counts.await_new_scrape(0)
        self._world.customers.come(count, Errand.ORDER, 0, label)

    def expect_told_of_orders(self, within_s: float) -> None:
        """Somebody is told once that orders failed. Raises ProbeError when a scrape came in between after all."""
        trouble = Trouble(Alarm.ORDER_FAILED, Errand.ORDER)
        self._world.on_call.await_told(trouble, firing=True, within_s=within_s)
        self._world.on_call.expect_once(trouble)
        series = self._world.nodes[0].series(Errand.ORDER, Outcome.NEIGHBOUR_FAILED)
        values = {value for one in self._world.prometheus.samples(series, within_s + 2).values() for value in one}
        if len(values) > 2:
            raise ProbeError(f"a scrape came between the orders that were to fail at once: {sorted(values)}")

    def let_receiver_refuse(self, count: int) -> None:
        """The receiver answers the next `count` notifications that it is unavailable."""
        name = self._world.nodes[0].alarm(self.trouble.alarm)["alertname"]
        self._refusing = self._world.on_call.receiver.arm("status", times=count, match={"alert": name}, status=503)

    def expect_refused(self, count: int) -> None:
        """So many were. Raises FaultError if not."""
        self._refusing.await_hits(count)

    def silence(self) -> None:
        """An operator silences the errors of the first node."""
        self._world.on_call.silence(self.trouble, _SILENT_FOR_S)

    def expect_told(self, within_s: float, place: int) -> None:
        """Within `within_s` somebody is told of errors at the node of that place."""
        self._world.on_call.await_told(self.trouble._replace(place=place), firing=True, within_s=within_s)

    def expect_not_told(self, for_s: float) -> None:
        """For `for_s` nobody is told of errors at the first node."""
        self._world.on_call.expect_not_told(self.trouble, firing=True, for_s=for_s)

    def expect_told_once(self) -> None:
        """Somebody was told once of errors at the first node."""
        self._world.on_call.expect_once(self.trouble)

    def expect_still_told_once(self) -> None:
        """The same a moment later."""
        self._world.let_pass(_A_MOMENT_S)
        self.expect_told_once()

    def expect_over(self, within_s: float) -> None:
        """Within `within_s` somebody is told once that they are over."""
        self._world.on_call.expect_over_once(self.trouble, within_s)

    def expect_not_over(self, for_s: float) -> None:
        """For `for_s` nobody is told that they are over."""
        self._world.on_call.expect_not_told(self.trouble, firing=False, for_s=for_s)

    def expect_over_once_back(self, within_s: float) -> None:
        """No customer comes any more, the node is back, and somebody is told that they are over."""
        self.end()
        self._world.faults.mend(self._world.nodes[0].name)
        self._world.on_call.await_told(self.trouble, firing=False, within_s=within_s)

    def expect_quiet(self, for_s: float) -> None:
        """The alert ends as it began: nobody is told."""
        self._world.on_call.expect_not_told(self.trouble, firing=True, for_s=for_s)
        if self._world.on_call.active(self.trouble):
            broken(f"the alert is still there: {self._world.on_call.active(self.trouble)}")
