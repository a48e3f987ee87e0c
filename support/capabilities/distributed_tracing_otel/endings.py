"""A service that is asked to end: what it has done is told to the end, and a collector that hangs does not hold it."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.client import Outcome
from support.capabilities.distributed_tracing_otel.outage import SERVICE
from support.capabilities.distributed_tracing_otel.tree import WAY, flaws, nothing_wrong
from support.clients.otlp_receiver_control import Span
from support.clients.provider_control import ArmedFault
from support.nouns import Who
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_FROM_SERVICE = ("server", "producer", "consumer", "client")
_SENT_WITHIN_S = 4.0
_AT_ONCE = 4  # shipments, as the worker is set


class Endings:
    """The service, and an order that is under way in it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._order: Future[Outcome] | None = None
        self._held: list[ArmedFault] = []
        self._asked_at = 0.0
        self._behind, self._waiting = world.fresh("behind"), 0
        self._way: Sequence[str] = WAY

    def begin_order(self) -> None:
        """An order through the small service, for which the partner lets it wait; returns when it does."""
        self._way = _FROM_SERVICE
        self._begin(SERVICE, "GET")

    def begin_shipment(self, behind: int) -> None:
        """An order whose worker the partner lets wait, and so many behind it; returns when the worker takes no more."""
        self._way, self._waiting = WAY, behind
        self._begin("gateway", "POST")
        self._held.append(self._world.partner.arm("hold_before", None, match=self._shipments()))
        for number in range(behind):
            order = self._world.new_order(f"{self._behind}-{number:02}")
            self._world.taken(self._world.at("gateway").order(order))
        self._held[-1].await_waiting(_AT_ONCE - 1)

    def _begin(self, role: str, asked_by: str) -> None:
        match = {"method": asked_by, "path": f"*{self._world.ordered.label}"}
        held = self._world.partner.arm("hold_before", match=match)
        self._held.append(held)
        pool = self._world.closing.enter_context(threads(1))
        began = time.time_ns()
        self._order = pool.submit(self._world.at(role).order, self._world.ordered)
        held.await_waiting()
        # Who sends some at a time has just done so then, and what is not sent at the end is not sent at all.
        poll(lambda: any(span.began_ns > began for span in self._world.collector.spans()), _SENT_WITHIN_S)

    def release_order(self, later_s: float) -> None:
        """The partner answers, so much later, whom it lets wait, and goes on to let wait whoever asks after that."""
        self._asked_at = time.monotonic()
        wait_until(self._asked_at + later_s)
        for held in self._held:
            held.release()

    def expect_told_to_the_end(self) -> None:
        """The caller was answered, and the order's trace is whole, with the step that was under way to its good end."""
        outcome = self._order.result(15) if self._order else None
        assert_that(outcome, equal_to(Outcome.TAKEN), "what the caller heard")
        nothing_wrong(self._flaws, "the trace of the last order")

    def expect_ended(self, who: Who, within_s: float) -> None:
        """It has ended by itself, in time since it was asked to, and without an error."""
        (node,) = self._world.fleet.nodes_called(who)
        left_s = within_s - (time.monotonic() - self._asked_at if self._asked_at else 0.0)
        ended = poll(node.has_ended, max(left_s, 0.0))
        must(ended, f"{node.name} had not ended after {within_s:g} s: {node.last_lines()}")
        assert_that(node.state().get("ExitCode"), equal_to(0), f"how {node.name} ended: {node.last_lines()}")

    def expect_rest_shipped(self) -> None:
        """The worker has begun none of the others while it ended; once it is back each is shipped, once, and whole."""
        begun = self._world.partner.arrivals(**self._shipments())
        assert_that(len(begun), equal_to(_AT_ONCE - 1), "shipments that were begun before the worker had ended")
        for held in self._held:
            held.heal()
        for node in self._world.fleet.nodes_called(Who("worker")):
            self._world.faults.mend(node.name)
        nothing_wrong(self._flaws_behind, "the orders that waited")

    def _flaws_behind(self) -> list[str]:
        traces: dict[str, list[Span]] = {}
        for span in self._world.collector.spans(self._behind):
            traces.setdefault(span.trace, []).append(span)
        found = [flaw for steps in traces.values() for flaw in flaws(steps, WAY)]
        asked = Counter(arrival.path for arrival in self._world.partner.arrivals(**self._shipments()))
        if sorted(asked.values()) != [1] * self._waiting or len(traces) != self._waiting:
            found.append(f"{self._waiting} orders in {len(traces)} traces, whose shipments were asked for: {asked}")
        return found

    def _shipments(self) -> dict[str, Any]:
        return {"method": "POST", "path": f"*{self._behind}-*"}

    def _flaws(self) -> list[str]:
        spans = self._world.spans()
        return flaws(spans, self._way) + [f"{span} was broken off" for span in spans if span.status == "error"]
