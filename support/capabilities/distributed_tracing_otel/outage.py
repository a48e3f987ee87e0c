"""A collector that hangs: nobody waits for it, what is lost is counted, and it is served again when it is back."""

import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than, less_than_or_equal_to

from support.capabilities.distributed_tracing_otel.client import Order, Outcome
from support.errors import ProbeError
from support.nouns import What, Who
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

SERVICE = "small service"
_AT_ONCE = 4
_ARRIVES_WITHIN_S = 10.0
_PATIENCE_S = 15.0  # for all calls; where each waits for the collector, what has been made by then shows it


class Outage:
    """Calls of one service before, while and after it does not reach the collector."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._service = world.at(SERVICE)
        self._usual, self._during, self._beside = (world.fresh(name) for name in ("usual", "during", "beside"))
        self._took: dict[str, list[float]] = {}
        self._each = 0  # steps that a call leaves
        self._lost_before = 0

    def call_as_ever(self, count: int) -> None:
        """Calls while all is well: how long they take, and how many steps each leaves."""
        self._call(self._usual, count)
        # The server's step of a call ends after its others, and so arrives after them.
        poll(lambda: self._served(self._usual) == count, _ARRIVES_WITHIN_S)
        self._each, rest = divmod(self._steps(self._usual), count)
        must(self._each and not rest, f"{count} calls left {self._steps(self._usual)} steps, not the same number each")
        # A batch that has arrived and is not answered yet would be taken for lost, once nothing gets through.
        poll(lambda: not any(request.open for request in self._world.collector.arrivals()), _ARRIVES_WITHIN_S)
        self._lost_before = self._service.lost()

    def call_all_the_while(self, count: int) -> None:
        """Calls while the collector hangs, each with one of the other service beside it."""
        self._took[self._beside] = []
        self._call(self._during, count, beside=True)

    def fail_all_the_while(self, count: int) -> None:
        """Orders that fail because the partner hangs up, in this service and in the other in turn."""
        services = ((self._service, self._during), (self._world.at("service"), self._beside))
        for _, label in services:
            self._took[label] = []
            self._world.partner.arm("reset", None, match={"path": f"*{label}-*"})
        for number in range(count):
            for service, label in services:
                self._timed(service.order, label, number, Outcome.FAILED)

    def mend(self) -> None:
        """The service reaches the collector again."""
        for store in self._world.fleet.stores_called(What("the collector")):
            for node in self._world.fleet.nodes_called(Who(SERVICE)):
                self._world.faults.join(store.name, node.name)

    def expect_nobody_waited(self, ratio: float) -> None:
        """A call took no more than `ratio` times as long as one of the other service, which reaches the collector.

        Both at the median. They were made in turn, so that a busy machine made both wait.
        """
        times = median(self._took[self._during]) / median(self._took[self._beside])
        assert_that(times, less_than(ratio), "how many times as long a call took")

    def expect_balance(self) -> None:
        """Every step of these calls has arrived once or is counted as lost, and some are: there was no room for all.

        A batch that was given up and reaches the collector when the connections go on is rightly both.
        """
        sent = self._each * len(self._took[self._during])
        poll(lambda: self._steps(self._during) + self._lost() >= sent, _ARRIVES_WITHIN_S)
        time.sleep(0.5)  # for what comes twice
        arrived, lost = self._steps(self._during), self._lost()
        told = f"{arrived} steps that arrived, and {lost} that are told as lost"
        assert_that(arrived + lost, greater_than_or_equal_to(sent), told)
        assert_that(arrived, less_than_or_equal_to(sent), told)
        assert_that(lost, less_than_or_equal_to(sent), told)
        if not lost:
            raise ProbeError("nothing was lost: the collector was away for too short a time")

    def expect_served_again(self) -> None:
        """A step of now arrives."""
        after = self._world.fresh("after")
        self._call(after, 1)
        arrived = poll(lambda: self._steps(after), _ARRIVES_WITHIN_S)
        must(arrived, f"nothing arrived within {_ARRIVES_WITHIN_S:g} s, though the collector is back")
        self._world.expect_nodes_well()

    def _lost(self) -> int:
        return self._service.lost() - self._lost_before

    def _served(self, label: str) -> int:
        return sum(span.kind == "server" for span in self._world.collector.spans(label))

    def _steps(self, label: str) -> int:
        return len(self._world.collector.spans(label))

    def _call(self, label: str, count: int, beside: bool = False) -> None:
        self._took[label] = []
        until = time.monotonic() + _PATIENCE_S
        with threads(_AT_ONCE) as pool:
            calls = [pool.submit(self._one, label, number, beside, until) for number in range(count)]
        for call in calls:
            call.result()

    def _one(self, label: str, number: int, beside: bool, until: float) -> None:
        if time.monotonic() > until:
            return
        self._timed(self._service.look, label, number)
        if beside:
            self._timed(self._world.at("service").look, self._beside, number)

    def _timed(
        self, call: Callable[[Order], Outcome], label: str, number: int, expected: Outcome = Outcome.TAKEN
    ) -> None:
        began = time.monotonic()
        outcome = call(self._world.new_order(f"{label}-{number}"))
        self._took[label].append(time.monotonic() - began)
        assert_that(outcome, equal_to(expected), "what a caller heard")
