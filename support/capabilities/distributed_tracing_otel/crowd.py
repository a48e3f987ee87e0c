"""Many at once, in the same threads and the same workers: nobody's steps get into another's trace."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.client import Order, Outcome
from support.capabilities.distributed_tracing_otel.tree import LOOK, WAY, flaws
from support.clients.otlp_receiver_control import Span
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_ARRIVE_WITHIN_S = 25.0  # all of them, with their shipments
_SIGMAS = 4  # the chance that a sound sampler is blamed is 1 in 16,000


class Crowd:
    """The orders of a crowd, which have the beginning of their labels in common."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._prefix = world.fresh("crowd")
        self._orders: list[Order] = []

    def place(self, count: int, at_once: int) -> None:
        """So many customers place an order each, `at_once` of them at the same time."""
        self._all(count, at_once, self._world.at("gateway").order)

    def look(self, count: int, at_once: int, role: str) -> None:
        """So many customers look at something at the gateway of that `role`."""
        self._all(count, at_once, self._world.at(role).look)

    def expect_apart(self, count: int) -> None:
        """For every order: its trace is whole, and every step names it and its tenant, and no other."""
        poll(lambda: not self._torn(WAY), _ARRIVE_WITHIN_S, 0.5)
        torn = self._torn(WAY)
        must(not torn, f"traces that are not whole: {torn[:3]} and {max(0, len(torn) - 3)} more")
        names, tenants = self._world.names(), {order.label: order.tenant for order in self._orders}
        spans = self._by_trace()
        assert_that(len(spans), equal_to(count), "traces, of so many orders")
        for trace, steps in spans.items():
            told = {(s.attributes.get(names.order), s.attributes.get(names.tenant)) for s in steps}
            must(len(told) == 1, f"the trace {trace} names more than one order or tenant: {told}")
            ((order, tenant),) = told
            must(tenants.get(str(order)) == tenant, f"the trace {trace} names {order} of {tenant}, which nobody placed")

    def expect_partner_told(self) -> None:
        """Whatever the partner was asked for an order, it was asked in the name of that order's trace."""
        names = self._world.names()
        owners = {t: str(steps[0].attributes.get(names.order)) for t, steps in self._by_trace().items()}
        for arrival in self._world.partner.arrivals(path=f"*{self._prefix}*"):
            said = arrival.headers.get("traceparent", "--").split("-")[1]
            must(arrival.path.endswith(owners.get(said, "?")), f"{arrival.path} was asked for in the name of {said}")

    def expect_share(self, percent: int) -> None:
        """So many of a hundred are kept, but for chance, and each of them whole."""
        count, share = len(self._orders), percent / 100
        wanted, spread = count * share, _SIGMAS * (count * share * (1 - share)) ** 0.5
        poll(lambda: not self._torn(LOOK), 5.0, 0.5)
        kept = self._by_trace()
        must(abs(len(kept) - wanted) <= spread, f"{len(kept)} of {count} are kept, expected {wanted:g} ± {spread:.0f}")
        torn = self._torn(LOOK)
        must(not torn, f"traces that are kept in part: {torn[:3]} and {max(0, len(torn) - 3)} more")

    def _all(self, count: int, at_once: int, do: Callable[[Order], Outcome]) -> None:
        self._orders = [self._world.new_order(f"{self._prefix}-{number}") for number in range(count)]
        with threads(at_once) as pool:
            asked = [pool.submit(do, order) for order in self._orders]
        outcomes = Counter(one.result() for one in asked)
        if outcomes != {Outcome.TAKEN: count}:
            raise ProbeError(f"{count} were to be served, and these are what customers heard: {dict(outcomes)}")

    def _torn(self, way: tuple[str, ...]) -> list[str]:
        return [f"{trace}: {found[0]}" for trace, steps in self._by_trace().items() if (found := flaws(steps, way))]

    def _by_trace(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self._world.collector.spans(self._prefix):
            found.setdefault(span.trace, []).append(span)
        return found
