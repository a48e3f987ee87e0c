"""A collector that hangs: nobody waits for it, what is lost is counted, and it is served again when it is back."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import product
from statistics import median, quantiles
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
_MANY, _ASKED_EVERY = 100, 20
_LOSSES = " (losses)"
_AT_ONCE_S = 0.05  # what a busy machine takes for nothing; who waits for the collector does so for its time-out of 1 s
_ARRIVES_WITHIN_S = 10.0
_PATIENCE_S = 15.0  # for all calls; where each waits for the collector, what has been made by then shows it


class Outage:
    """Calls of what does not reach the collector, before, while and after it does not."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._service = world.at(SERVICE)
        self._usual, self._during, self._beside = (world.fresh(name) for name in ("usual", "during", "beside"))
        self._took: dict[str, list[float]] = defaultdict(list)
        self._pairs: list[tuple[str, str]] = []  # what was done here, and beside it in the other service
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
        self._pairs += [(self._during, self._beside), (f"{self._during}{_LOSSES}", f"{self._beside}{_LOSSES}")]
        self._call(self._during, count, beside=True)

    def order_all_the_while(self, count: int) -> None:
        """Orders that fail because the partner hangs up, and as many that do not, each in turn with one beside it.

        They are placed in the small service, at the gateway, and on a line to that; those beside them in the other
        service, at the busy gateway, and on a line to that.
        """
        self._world.partner.arm("reset", None, match={"path": f"*-{Outcome.FAILED.name}-*"})
        gateways = [self._world.at(role) for role in ("gateway", "busy gateway")]
        lines = [self._world.opened(gateway.line(self._world.ordered.token)) for gateway in gateways]
        ways: dict[str, list[Callable[[Order], Outcome]]] = {
            "inside": [self._service.order, self._world.at("service").order],
            "call": [gateway.order for gateway in gateways],
            "line": [line.order for line in lines],
        }
        for outcome, (way, places) in product((Outcome.FAILED, Outcome.TAKEN), ways.items()):
            labels = [f"{label}-{way}-{outcome.name}" for label in (self._during, self._beside)]
            self._pairs.append((labels[0], labels[1]))
            for number in range(count):
                for place, label in zip(places, labels, strict=True):
                    self._timed(place, label, number, outcome)

    def expect_shipped(self, within_s: float) -> None:
        """The partner is asked in time for the shipment of each order that went well, once."""
        wanted = sum(len(took) for label, took in self._took.items() if label.endswith(Outcome.TAKEN.name))
        asked = self._world.partner.await_arrivals(wanted, within_s, method="POST", path=f"*-{Outcome.TAKEN.name}-*")
        shipped = Counter(arrival.path for arrival in asked)
        assert_that(
            sorted(shipped.values()), equal_to([1] * wanted), f"how often each shipment was asked for: {shipped}"
        )

    def mend(self) -> None:
        """The service reaches the collector again."""
        for store in self._world.fleet.stores_called(What("the collector")):
            for node in self._world.fleet.nodes_called(Who(SERVICE)):
                self._world.faults.join(store.name, node.name)

    def expect_nobody_waited(self, ratio: float) -> None:
        """A call took no more than `ratio` times as long as one beside it, of what reaches the collector.

        Of many at the median, and those that took longest but for a tenth; of few at the quickest quarter, as a busy
        machine may hold up half of them on one side alone, and a platform that waits holds up each. Whoever asked how
        many steps were lost did not wait either. They were made in turn, so that a busy machine made both wait. What
        took no time to speak of is no measure.
        """
        for during, beside in self._pairs:
            times = [mine / theirs for mine, theirs in zip(*map(self._pace, (during, beside)), strict=False)]
            assert_that(max(times), less_than(ratio), f"how many times as long as {beside} it took ({during})")

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

    def _pace(self, label: str) -> list[float]:
        took = sorted(max(one, _AT_ONCE_S) for one in self._took[label])
        return [median(took), quantiles(took, n=10)[-1]] if len(took) >= _MANY else [took[len(took) // 4]]

    def _lost(self) -> int:
        return self._service.lost() - self._lost_before

    def _served(self, label: str) -> int:
        return sum(span.kind == "server" for span in self._world.collector.spans(label))

    def _steps(self, label: str) -> int:
        return len(self._world.collector.spans(label))

    def _call(self, label: str, count: int, beside: bool = False) -> None:
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
        if beside and number % _ASKED_EVERY == 0:
            self._ask_for_losses()

    def _ask_for_losses(self) -> None:
        """The monitoring asks both services."""
        for service, label in ((self._service, self._during), (self._world.at("service"), self._beside)):
            began = time.monotonic()
            service.lost()
            self._took[f"{label}{_LOSSES}"].append(time.monotonic() - began)

    def _timed(
        self, call: Callable[[Order], Outcome], label: str, number: int, expected: Outcome = Outcome.TAKEN
    ) -> None:
        began = time.monotonic()
        outcome = call(self._world.new_order(f"{label}-{number}"))
        self._took[label].append(time.monotonic() - began)
        assert_that(outcome, equal_to(expected), "what a caller heard")
