"""Many at once, in the same threads and the same workers: nobody's steps get into another's trace."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import accumulate, cycle, islice
from math import comb
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.client import Adapter, Order, Outcome
from support.capabilities.distributed_tracing_otel.tree import ARRIVES_WITHIN_S, LOOK, WAY, flaws
from support.clients.otlp_receiver_control import Span
from support.errors import ProbeError
from support.polling import look_until, poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_SHIPPED_WITHIN_S = 25.0  # all of them
_QUIET_S = 0.5  # five times what a node waits until it sends what it has
_RARE = 1 / 60_000  # the chance that a sound sampler is blamed, on each side of each of its bounds
_LOOK, _CALL, _LINE = "look", "call", "line"


class Crowd:
    """The orders of a crowd, which have the beginning of their labels in common."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._prefix = world.fresh("crowd")
        self._orders: list[Order] = []

    def place(self, count: int, at_once: int) -> None:
        """So many customers place an order each, `at_once` of them at the same time."""
        self._all(count, at_once, lambda _: self._world.at("gateway").order)

    def come(self, count: int, at_once: int, role: str) -> None:
        """So many come to the gateway of that `role`: of ten, one orders in a call, one on a line, and eight look."""
        node = self._world.at(role)
        do = {_LOOK: node.look, _CALL: node.order, _LINE: lambda order: _on_line(node, order)}
        self._all(count, at_once, lambda way: do[way], ways=(_CALL, _LINE, *[_LOOK] * 8))

    def expect_apart(self, count: int) -> None:
        """For every order: its trace is whole, and every step names it and its tenant, and no other."""
        spans = look_until(
            lambda seen: len(seen) >= count and not _torn(seen, WAY), self._by_trace, _SHIPPED_WITHIN_S, _QUIET_S
        )
        torn = _torn(spans, WAY)
        must(not torn, f"traces that are not whole: {torn[:3]} and {max(0, len(torn) - 3)} more")
        names, tenants = self._world.names(), {order.label: order.tenant for order in self._orders}
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
        asked = self._world.partner.arrivals(path=f"*{self._prefix}*")
        assert_that(len(asked), equal_to(2 * len(self._orders)), "how often the partner was asked, for all of them")
        for arrival in asked:
            said = arrival.headers.get("traceparent", "--").split("-")[1]
            must(arrival.path.endswith(owners.get(said, "?")), f"{arrival.path} was asked for in the name of {said}")

    def expect_share(self, percent: int) -> None:
        """So many of a hundred are kept, but for chance, whatever their customers came for, and each of them whole."""
        ways = {f"{self._prefix}-{what}-": LOOK if what == _LOOK else WAY for what in (_LOOK, _CALL, _LINE)}
        arrived = self._settled(ways)
        for label, way in ways.items():
            count, kept = sum(order.label.startswith(label) for order in self._orders), len(arrived[label])
            likely = _likely(count, percent / 100)
            told = f"{kept} of {count} of {label} are kept, expected {likely.start} to {likely.stop - 1}"
            must(kept in likely, told)
            torn = _torn(arrived[label], way)
            must(not torn, f"traces that are kept in part: {torn[:3]} and {max(0, len(torn) - 3)} more")

    def _all(
        self, count: int, at_once: int, do: Callable[[str], Callable[[Order], Outcome]], ways: Sequence[str] = (_CALL,)
    ) -> None:
        """An order each, in these ways by turns; `do` says how in one of them."""
        turns = list(islice(cycle(ways), count))
        self._orders = [self._world.new_order(f"{self._prefix}-{way}-{number}") for number, way in enumerate(turns)]
        with threads(at_once) as pool:
            asked = [pool.submit(do(way), order) for way, order in zip(turns, self._orders, strict=True)]
        outcomes = Counter(one.result() for one in asked)
        if outcomes != {Outcome.TAKEN: count}:
            raise ProbeError(f"{count} were to be served, and these are what customers heard: {dict(outcomes)}")

    def _settled(self, ways: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, list[Span]]]:
        """The traces of each label, once they are whole and no more comes: a gateway's steps may come before the rest.

        What does not become so is what there was at the deadline.
        """
        looks: list[dict[str, dict[str, list[Span]]]] = [{}]

        def settled() -> bool:
            looks.append({label: self._by_trace(label) for label in ways})
            whole = not any(_torn(looks[-1][label], way) for label, way in ways.items())
            return whole and looks[-1] == looks[-2] and any(looks[-1].values())

        poll(settled, ARRIVES_WITHIN_S, _QUIET_S)
        return looks[-1]

    def _by_trace(self, label: str = "") -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self._world.collector.spans(label or self._prefix):
            found.setdefault(span.trace, []).append(span)
        return found


def _torn(traces: Mapping[str, Sequence[Span]], way: tuple[str, ...]) -> list[str]:
    return [f"{trace}: {found[0]}" for trace, steps in traces.items() if (found := flaws(steps, way))]


def _on_line(node: Adapter, order: Order) -> Outcome:
    with closing(node.line(order.token)) as line:
        return line.order(order)


def _likely(count: int, share: float) -> range:
    """How many of `count` a sampler that keeps this `share` may keep, but for what is too rare."""
    chances = [comb(count, kept) * share**kept * (1 - share) ** (count - kept) for kept in range(count + 1)]
    up_to = list(accumulate(chances))
    likely = [kept for kept in range(count + 1) if up_to[kept] > _RARE and 1 - up_to[kept] + chances[kept] > _RARE]
    return range(likely[0], likely[-1] + 1)
