"""A service that is asked to end: what it has done is told to the end, and a collector that hangs does not hold it."""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.client import Outcome
from support.capabilities.distributed_tracing_otel.outage import SERVICE
from support.capabilities.distributed_tracing_otel.tree import WAY, flaws
from support.clients.provider_control import ArmedFault
from support.nouns import Who
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_FROM_SERVICE = ("server", "producer", "consumer", "client")
_ENDED = "exited"
_SENT_WITHIN_S, _ENDING_WITHIN_S = 4.0, 1.5


class Endings:
    """The service, and an order that is under way in it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._order: Future[Outcome] | None = None
        self._held: ArmedFault | None = None
        self._way: Sequence[str] = WAY

    def begin_order(self) -> None:
        """An order through the small service, for which the partner lets it wait; returns when it does."""
        self._way = _FROM_SERVICE
        self._begin(SERVICE, "GET")

    def begin_shipment(self) -> None:
        """An order whose worker the partner lets wait; returns when it does."""
        self._way = WAY
        self._begin("gateway", "POST")

    def _begin(self, role: str, asked_by: str) -> None:
        match = {"method": asked_by, "path": f"*{self._world.ordered.label}"}
        self._held = self._world.partner.arm("hold_before", match=match)
        pool = self._world.closing.enter_context(threads(1))
        began = time.time_ns()
        self._order = pool.submit(self._world.at(role).order, self._world.ordered)
        self._held.await_waiting()
        # Who sends some at a time has just done so then, and what is not sent at the end is not sent at all.
        poll(lambda: any(span.began_ns > began for span in self._world.collector.spans()), _SENT_WITHIN_S)

    def release_order(self) -> None:
        """The partner answers those who have begun to end: who has is seen by that it takes no calls any more."""
        poll(lambda: any(not node.answers(*node.address()) for node in self._world.fleet.nodes), _ENDING_WITHIN_S)
        time.sleep(_ENDING_WITHIN_S / 5)
        if self._held:
            self._held.heal()

    def expect_told_to_the_end(self) -> None:
        """The caller was answered, and the order's trace is whole, with the step that was under way."""
        outcome = self._order.result(15) if self._order else None
        assert_that(outcome, equal_to(Outcome.TAKEN), "what the caller heard")
        poll(lambda: not self._flaws(), 8)
        must(not self._flaws(), f"the trace of the last order: {'; '.join(self._flaws())}")

    def expect_ended(self, who: Who, within_s: float) -> None:
        """It has ended by itself, in time and without an error."""
        (node,) = self._world.fleet.nodes_called(who)
        ended = poll(lambda: node.state().get("Status") == _ENDED, within_s)
        must(ended, f"{node.name} had not ended after {within_s:g} s: {node.last_lines()}")
        assert_that(node.state().get("ExitCode"), equal_to(0), f"how {node.name} ended: {node.last_lines()}")

    def _flaws(self) -> list[str]:
        return flaws(self._world.spans(), self._way)
