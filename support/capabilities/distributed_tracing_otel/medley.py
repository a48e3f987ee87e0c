"""Orders of every fate from every side at once, each held against what must be told of it, step by step.

Which fates come from which sides is fixed; who meets whom, in which order and with what on the way is drawn.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from http import HTTPStatus
from itertools import chain, cycle
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.callers import beside_its_time, named
from support.capabilities.distributed_tracing_otel.client import Outcome, Said
from support.capabilities.distributed_tracing_otel.fates import LOOKED, NOT_TOLD, SHIPMENTS, TOLD, Placed, Side
from support.capabilities.distributed_tracing_otel.secrets import LINES, too_much
from support.capabilities.distributed_tracing_otel.tree import ERROR_TYPE, backwards, flaws, nameless
from support.clients.otlp_receiver_control import Span
from support.clients.provider_control import Arrival
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_AT_ONCE, _LINES_OPEN, _LOOKS = 12, 2, 6
_TOLD_WITHIN_S, _LATE_S = 20.0, 0.5
_TENANTS = ("Acme", "ACME", "a=b;c,d", "é", "e\u0301", '"so" \\ called', "日本 🚀", "1 + 1 %2B", "x" * 300)
_STATES, _KEPT, _NOT_KEPT = ((), ("x=1",), ("x=1,y=2",)), ("01", "03", "ff"), ("00", "02", "fe")
_BAGGAGES = ((), (";,=,a=%zz,=b",), (",".join(f"k{number}={'v' * 100}" for number in range(300)),))


class Medley:
    """The orders of one medley."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._prefix, self._stranger = world.fresh("medley"), world.fresh("stranger")
        self._draw = world.draw()
        self._tenant, self._tenants = world.fresh("tenant"), cycle(_TENANTS)
        self._placed: list[Placed] = []
        self._lost = self._losses()

    def place(self) -> None:
        """Every fate of an order from every side, and some looks; every customer hears what the fate says."""
        for side in (Side.CALL, Side.BUSY, Side.LINE, Side.INSIDE):
            self._add(side)
        self._add(Side.INSIDE, kept=False)
        self._placed += [replace(self._one(Side.LOOK, number), price=LOOKED) for number in range(_LOOKS)]
        for one in self._placed:
            one.arrange(self._world.partner)
        with threads(_AT_ONCE) as pool:
            heard = [pool.submit(visit) for visit in self._visits()]
        outcomes = {placed.order.label: outcome for one in heard for placed, outcome in one.result()}
        wanted = {one.order.label: one.price.outcome for one in self._placed}
        assert_that(outcomes, equal_to(wanted), f"what customers heard ({self._draw})")

    def expect_told(self) -> None:
        """Each order is told as its fate was, to those who keep traces and to the partner, and stays so."""
        poll(lambda: not self._wrong(), _TOLD_WITHIN_S, 0.25)
        time.sleep(_LATE_S)
        wrong = self._wrong() + self._blind() + self._astray() + self._vague()
        assert_that(self._losses(), equal_to(self._lost), "steps that are counted as lost, before and after")
        must(not wrong, f"{len(wrong)} are not told as they were ({self._draw}): " + "\n".join(wrong[:5]))

    def expect_strangers_ignored(self) -> None:
        """No step is in a stranger's trace or leads to one, and none has any other word of a stranger's."""
        theirs = {one.trace for one in self._placed if one.side is not Side.INSIDE}
        for span in self._world.collector.spans():
            must(span.trace not in theirs, f"{span} is in the trace that a stranger named")
            must(not theirs & {link["trace"] for link in span.links}, f"{span} leads to the trace of a stranger")
            must(self._stranger not in f"{span.attributes} {span.state}", f"{span} tells what a stranger said")

    def expect_no_secret(self) -> None:
        """No customer's secret can be read where traces are kept, nor in a log."""
        self._world.secrets.expect_none_told([one.order for one in self._placed])

    # How they are placed

    def _add(self, side: Side, kept: bool = True) -> None:
        """Every fate from that side: each shipment after some good price, each of which comes, and each bad price."""
        shipments, told = self._draw.sample(SHIPMENTS, len(SHIPMENTS)), cycle(self._draw.sample(TOLD, len(TOLD)))
        fates = [(next(told), shipment) for shipment in shipments] + [(price, None) for price in NOT_TOLD]
        self._draw.shuffle(fates)
        for number, (price, shipment) in enumerate(fates):
            self._placed.append(replace(self._one(side, number, kept), price=price, shipment=shipment))

    def _one(self, side: Side, number: int, kept: bool = True) -> Placed:
        """An order from that side, whose caller says the `number`th of all that such callers say."""
        label, tenant = f"{self._prefix}-{side.name}-{'' if kept else 'un'}kept-{number:02}", next(self._tenants)
        order = self._world.new_order(label, f"{self._tenant} {tenant}")
        trace, span = token_hex(16), token_hex(8)
        if side is Side.INSIDE:
            flags = (_KEPT if kept else _NOT_KEPT)[number % 3]
            said = Said((f"00-{trace}-{span}-{flags}",), _STATES[number // 3 % 3], _BAGGAGES[number % 3])
        else:
            flags = ("00", "01")[number % 2]
            baggage = f"{self._world.names().tenant}={self._stranger},{self._world.names().order}={self._stranger}"
            said = Said((f"00-{trace}-{span}-{flags}",), (f"s={self._stranger}",), (baggage,))
        return Placed(side, order, LOOKED, said=said, trace=trace, span=span, kept=kept)

    def _visits(self) -> Iterator[Callable[[], list[tuple[Placed, Outcome]]]]:
        """What customers do at the same time: a call each, or one after the other on a line."""
        alone = self._draw.sample(self._placed, len(self._placed))
        lines = [one for one in alone if one.side is Side.LINE]
        for number in range(_LINES_OPEN):
            yield lambda number=number: self._on_line(lines[number::_LINES_OPEN])  # type: ignore[misc]
        for one in alone:
            if one.side is not Side.LINE:
                yield lambda one=one: [(one, self._call(one))]  # type: ignore[misc]

    def _call(self, one: Placed) -> Outcome:
        if one.side is Side.LOOK:
            return self._world.at("gateway").look(one.order, one.said)
        return self._world.at(one.side.value).order(one.order, one.said)

    def _on_line(self, orders: Sequence[Placed]) -> list[tuple[Placed, Outcome]]:
        with closing(self._world.at("gateway").line(orders[0].order.token, orders[0].said)) as line:
            return [(one, line.order(one.order)) for one in orders]

    # What is told of them

    def _losses(self) -> list[int]:
        return [self._world.at(role).lost() for role in ("gateway", "service")]

    def _wrong(self) -> list[str]:
        """What is told of each that is not as it was."""
        name = self._world.names().order
        steps: dict[str, list[Span]] = defaultdict(list)
        asked: dict[str, list[Arrival]] = defaultdict(list)
        for span in self._world.collector.spans():
            steps[span.trace].append(span)
        traces: dict[str, set[str]] = defaultdict(set)
        for span in chain.from_iterable(steps.values()):
            traces[str(span.attributes.get(name))].add(span.trace)
        for arrival in self._world.partner.arrivals(path=f"*{self._prefix}*"):
            asked[arrival.path.rpartition("/")[2]].append(arrival)
        found = []
        for one in self._placed:
            label = one.order.label
            own = {one.trace} if one.side is Side.INSIDE else traces[label]
            arrived = [span for trace in own for span in steps.get(trace, [])]
            found += [f"{one}: {flaw}" for flaw in self._flaws(one, arrived, asked[label])]
        return found

    def _flaws(self, one: Placed, steps: Sequence[Span], asked: Sequence[Arrival]) -> Iterator[str]:
        """What is wrong with the steps of its trace that arrived, and with what the partner was asked."""
        yield from _asked_wrongly(one, asked)
        told = {named(arrival) for arrival in asked}
        kept = {parent.kept for parent in told}
        if one.side is not Side.BUSY and kept - {one.kept}:
            yield f"the partner was told that it is kept, or not: {kept}"
        if one.kept and kept != {False}:
            yield from _steps_wrong(one, steps, asked)
            yield from self._unnamed(one, steps)
        elif steps:
            yield f"steps arrived that were not to be kept: {steps}"
        own = {one.trace} if one.side is Side.INSIDE else {span.trace for span in steps}
        if len(own | {parent.trace for parent in told}) > 1:
            yield f"the partner was asked in the name of other traces: {told}"

    def _unnamed(self, one: Placed, steps: Sequence[Span]) -> Iterator[str]:
        """Steps that do not name the order and its tenant; callers inside have not said whom they call for."""
        names, wanted = self._world.names(), (one.order.label, one.order.tenant)
        for span in steps:
            told = (span.attributes.get(names.order), span.attributes.get(names.tenant))
            unsaid = one.side is Side.INSIDE and all(
                said in (None, own) for said, own in zip(told, wanted, strict=True)
            )
            if told != wanted and not unsaid:
                yield f"{span} names {told}"

    def _astray(self) -> list[str]:
        """Steps that are in no trace of theirs, nor in one of a line, which names no order and lasts as long."""
        name = self._world.names().order
        spans = [s for s in self._world.collector.spans() if s.kind == "server" and not s.parent]
        lines = {span.trace for span in spans if name not in span.attributes}
        inside = {one.trace for one in self._placed if one.side is Side.INSIDE}
        return [f"{told} is none of theirs" for told in self._world.alone(*lines, *inside)]

    def _vague(self) -> list[str]:
        """What calls of the partner are told to have failed by, both where it refused and where it hung up."""
        calls = {span.id: span.attributes.get(ERROR_TYPE) for span in self._world.collector.spans()}
        asked = self._world.partner.arrivals(path=f"*{self._prefix}*")
        refused = {calls.get(named(one).span) for one in asked if one.status == HTTPStatus.SERVICE_UNAVAILABLE}
        cut = {calls.get(named(one).span) for one in asked if one.cut}
        return [f"{kind} is told of two kinds of errors" for kind in (refused & cut) - {None}]

    def _blind(self) -> list[str]:
        """Lines of logs that lead to another order's trace, or, of orders that were taken, not to their own."""
        asked = self._world.partner.arrivals(path=f"*{self._prefix}*")
        traces = {arrival.path.rpartition("/")[2]: named(arrival).trace for arrival in asked}
        found = []
        for node in self._world.fleet.nodes:
            lines = [line for line in node.last_lines(LINES).splitlines() if self._prefix in line]
            for one in self._placed:
                own = [line for line in lines if one.order.label in line]
                others = {trace for label, trace in traces.items() if label != one.order.label}
                blind = [line for line in own if one.shipment and traces.get(one.order.label, "?") not in line]
                blind += [line for line in own if any(trace in line for trace in others)]
                found += [f"{node.name} has written of {one} with no way to its trace: {line}" for line in blind]
        return found


def seen_in(steps: Sequence[Span], count_failed_calls: bool) -> dict[str, Any]:
    """What is told of one order, so that it can be held against `Placed.wanted`."""
    attempts = sorted((span.status, span.exceptions) for span in steps if span.kind == "consumer")
    failed = sum(span.status == "error" for span in steps if span.kind == "client")
    return {
        "servers' steps": [span.status for span in steps if span.kind == "server"],
        "messages": sum(span.kind == "producer" for span in steps),
        "attempts": attempts,
        "exceptions": sum(span.exceptions for span in steps),
        "failed calls": failed if count_failed_calls else 0,
    }


def _asked_wrongly(one: Placed, asked: Sequence[Arrival]) -> Iterator[str]:
    """What the partner was asked too often or too seldom, and what it was told that is none of its business."""
    wanted = ["GET"] * one.price.asked + ["POST"] * (one.shipment.attempts if one.shipment else 0)
    if sorted(arrival.method for arrival in asked) != wanted:
        yield f"the partner was asked {[arrival.method for arrival in asked]}, and not {wanted}"
    for arrival in asked:
        yield from (f"the partner was told {what}" for what in too_much(arrival, one.order))
        if arrival.headers.get("tracestate", "") != one.state:
            yield f"the partner was told the state {arrival.headers.get('tracestate', '')}"


def _steps_wrong(one: Placed, steps: Sequence[Span], asked: Sequence[Arrival]) -> Iterator[str]:
    """Whether they are a whole tree, are errors where there was one, and are those by which the partner was asked."""
    # What a caller inside has named is the caller's own, and did not arrive.
    tree = [replace(span, parent="") if span.parent == one.span else span for span in steps]
    yield from flaws(tree, one.way)
    yield from (f"{late} began before what caused it" for late in backwards(steps))
    # Whether a call for what there is not is an error is for its caller to say.
    seen = seen_in(steps, count_failed_calls=one.price.outcome is not Outcome.NO_SUCH_ARTICLE)
    yield from (
        f"{what}: {seen[what]}, and not {wanted}" for what, wanted in one.wanted().items() if seen[what] != wanted
    )
    for span in steps:
        if bool(span.attributes.get(ERROR_TYPE)) is not (span.status == "error"):
            yield f"{span} names the kind of error {span.attributes.get(ERROR_TYPE)}"
        if span.state != one.state:
            yield f"{span} has the state {span.state!r}"
    yield from (f"{span} tells of an error of no kind" for span in nameless(steps))
    yield from _calls_wrong(steps, asked)


def _calls_wrong(steps: Sequence[Span], asked: Sequence[Arrival]) -> Iterator[str]:
    """Whether each request of the partner's is a call of its own, hangs where it belongs, and is told as it ended."""
    by_id = {span.id: span for span in steps}
    called = [
        (arrival, span) for arrival in asked if (span := by_id.get(named(arrival).span)) and span.kind == "client"
    ]
    if len({span.id for _, span in called}) < len(asked):
        yield "the partner was asked more often than steps of the order's trace did"
    for arrival, span in called:
        yield from beside_its_time(arrival, steps)
        cause = by_id.get(span.parent)
        while cause and cause.kind == "internal":
            cause = by_id.get(cause.parent)
        if not cause or cause.kind != {"GET": "server", "POST": "consumer"}[arrival.method]:
            yield f"{span} asked the partner, and was caused by {cause}"
        broke = arrival.status is None or arrival.status >= HTTPStatus.BAD_REQUEST
        if broke is not (span.status == "error") or (
            cause and cause.kind == "consumer" and cause.status != span.status
        ):
            yield f"{span} of {cause} was answered {arrival.status or arrival.cut} by the partner"
