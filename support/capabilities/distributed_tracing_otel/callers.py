"""What callers say of the trace that a call belongs to, and what comes of it."""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.client import Order, Outcome, Said
from support.capabilities.distributed_tracing_otel.tree import WAY, flaws, nothing_wrong
from support.clients.otlp_receiver_control import Span
from support.clients.provider_control import Arrival
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_ARRIVES_WITHIN_S = 8.0
_LATE_S = 0.5  # what should not arrive would have by then


# W3C Trace Context. Whoever asks names the version that it writes, and not the later one that it was called by.
_PARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LASTS_S = 0.005  # clocks of one machine; some give no more than ms


class Call(NamedTuple):
    """A call: how sentences call it, by which order it is found, which trace and span were named, and the states.

    `ordered`: it was to place the order, and not to look.
    """

    title: str
    order: Order
    trace: str
    span: str
    said: Said
    ordered: bool = True


class Parent(NamedTuple):
    """In whose name somebody was asked: a trace and a step of it, and whether it is kept; empty where in nobody's."""

    trace: str
    span: str
    kept: bool


def named(arrival: Arrival) -> Parent:
    """In whose name the partner was asked."""
    found = _PARENT.fullmatch(arrival.headers.get("traceparent", ""))
    return Parent(found[1], found[2], bool(int(found[3], 16) & 1)) if found else Parent("", "", False)


def beside_its_time(arrival: Arrival, steps: Iterable[Span]) -> list[str]:
    """The step in whose name the partner was asked, when it did not last while the partner was asked."""
    asked = [span for span in steps if (span.trace, span.id) == named(arrival)[:2]]
    early, late = arrival.arrived + _LASTS_S, arrival.arrived - _LASTS_S
    return [f"{s}: {arrival.arrived}" for s in asked if s.began_ns > early * 1e9 or s.ended_ns < late * 1e9]


class Callers:
    """Calls of the service as the gateways make them, each in a trace of its own."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._prefix = world.fresh("call")
        self._calls: list[Call] = []
        self._looked: Order | None = None

    def look_and_order(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Two calls for each row, see `_call`: one that looks at something, and one that places an order."""
        for number, row in enumerate(rows):
            self._call(f"{number:02}-look", row, ordered=False)
            self._call(f"{number:02}-order", row)

    def order(self, rows: Iterable[Mapping[str, str]]) -> None:
        """A call for each row, see `_call`, that places an order."""
        for number, row in enumerate(rows):
            self._call(f"{number:02}", row)

    def _call(self, label: str, row: Mapping[str, str], ordered: bool = True) -> None:
        """A call as the row has it: `caller`, and what it says, `traceparent` and `tracestate`; it is answered.

        TRACE and SPAN stand for ids that nobody has used before, and "and again" separates what is said twice.
        """
        trace, span = secrets.token_hex(16), secrets.token_hex(8)
        fill = _filled(trace, span)
        said = Said(*(fill(row.get(name, "")) for name in ("traceparent", "tracestate")))
        call = Call(row["caller"], self._world.new_order(f"{self._prefix}-{label}"), trace, span, said, ordered)
        self._calls.append(call)
        service = self._world.at("service")
        outcome = (service.order if ordered else service.look)(call.order, said)
        assert_that(outcome, equal_to(Outcome.TAKEN), f"what {call.title} was answered")

    def order_both_ways(self) -> None:
        """Orders in traces that are not to be kept, whatever else their flags say, and one in a trace that is."""
        for flags in ("00", "02", "fe", "01"):
            self.order_in_trace(flags)

    def order_in_trace(self, flags: str) -> None:
        """An order through the service, in a trace that is named with these flags."""
        trace, span = secrets.token_hex(16), secrets.token_hex(8)
        call = Call(flags, self._world.new_order(f"{self._prefix}-{flags}"), trace, span, Said())
        said = Said(traceparent=(f"00-{trace}-{span}-{flags}",))
        self._calls.append(call)
        self._world.taken(self._world.at("service").order(call.order, said))

    def order_as_stranger(self) -> None:
        """The order, by somebody who wants it not to be traced, and for one of the tenant `other`; and a look."""
        trace, span = secrets.token_hex(16), secrets.token_hex(8)
        self._calls.append(Call("a stranger", self._world.ordered, trace, span, Said()))
        said = Said((f"00-{trace}-{span}-00",), baggage=(f"{self._world.names().tenant}=other",))
        self._world.taken(self._world.place(said))
        self._looked = self._world.new_order()
        self._world.taken(self._world.at("gateway").look(self._looked, Said((f"00-{trace}-{span}-01",))))

    def expect_continued(self) -> None:
        """Each call is a step of the trace that it named, right below the step that it named."""
        for call, span in self._servers():
            assert_that((span.trace, span.parent), equal_to((call.trace, call.span)), f"the place of {call.title}")
        for call in self._orders():
            assert_that(self._traces(call), equal_to({call.trace}), f"the trace of {call.title}, at all steps")

    def expect_new(self) -> None:
        """Each call begins a trace of its own, and nothing of what it named is in it."""
        for call, span in self._servers():
            must(span.trace != call.trace, f"{call.title} was believed: it is in the trace that it named")
            assert_that((span.parent, span.state), equal_to(("", "")), f"parent and state of {call.title}")
        for call in self._orders():
            traces = self._traces(call)
            must(len(traces) == 1 and call.trace not in traces, f"{call.title} is told of in the traces {traces}")
            assert_that(self._states(call), equal_to({""}), f"the state of {call.title}, at all steps")
        spans = self._world.collector.spans(self._prefix)
        told = [f"{call.title}: {span}" for call in self._calls for span in spans if _repeats(span, call)]
        must(not told, f"what was named wrongly is told of all the same: {told}")

    def expect_states(self, kept: int) -> None:
        """Each call is in the trace that it named; the first `kept` keep their state whole, of others none is left.

        That is so at each step of the order, also behind the queue, and in what the partner is told.
        """
        self.expect_continued()
        for number, call in enumerate(self._calls):
            wanted = ",".join(call.said.tracestate) if number < kept else ""
            assert_that(self._states(call), equal_to({wanted}), f"the state of {call.title}, at all steps")

    def expect_both_ways(self) -> None:
        """What is not to be kept arrives nowhere, what is to be is whole, and the partner is told which is which."""
        *_, seen = self._calls
        self._world.steps("consumer", 1, seen.order)
        for call in self._calls:
            poll(lambda call=call: len(self._world.asked(call.order)) == 2, _ARRIVES_WITHIN_S)  # type: ignore[misc]
            told = {(parent.trace, parent.kept) for parent in map(named, self._world.asked(call.order))}
            assert_that(told, equal_to({(call.trace, call is seen)}), "the trace, and whether it is kept, as told")
        nothing_wrong(lambda: flaws(self._rooted(seen), WAY[2:]), "the trace that was to be kept")
        time.sleep(_LATE_S)
        self._world.expect_none_alone(seen.trace)
        arrived = [call.title for call in self._calls[:-1] if self._world.collector.trace(call.trace)]
        assert_that(arrived, equal_to([]), "the flags of traces that were not to be kept, and of which steps arrived")

    def expect_stranger_ignored(self) -> None:
        """The order has a trace of its own, and nobody is asked in the name of the stranger's."""
        (call,) = self._calls
        traces = {span.trace for span in self._world.spans()}
        traces |= {arrival.headers.get("traceparent", "--").split("-")[1] for arrival in self._world.asked()}
        if self._looked:
            self._world.steps("server", 2, self._looked)
            traces |= {span.trace for span in self._world.spans(self._looked)}
        must(call.trace not in traces, "the stranger's trace was taken for one of ours")

    def _rooted(self, call: Call) -> list[Span]:
        """The steps of its order, as if the one that it named were outside of the trace."""
        return [replace(s, parent="") if s.parent == call.span else s for s in self._world.spans(call.order)]

    def _orders(self) -> list[Call]:
        return [call for call in self._calls if call.ordered]

    def _traces(self, call: Call) -> set[str]:
        """The traces of all steps of an order, and those in whose name the partner was asked."""
        self._world.steps("consumer", 1, call.order)
        asked = {named(arrival).trace for arrival in self._world.asked(call.order)}
        return {span.trace for span in self._world.spans(call.order)} | asked

    def _states(self, call: Call) -> set[str]:
        """What callers have added, as all steps of an order tell it, and as the partner was told."""
        self._world.steps("consumer", 1, call.order)
        asked = {arrival.headers.get("tracestate", "") for arrival in self._world.asked(call.order)}
        return {span.state for span in self._world.spans(call.order)} | asked

    def _servers(self) -> list[tuple[Call, Span]]:
        """Each call with the server's step of it, once all of them have arrived. AssertionError when they do not."""
        poll(lambda: len(self._found()) == len(self._calls), _ARRIVES_WITHIN_S)
        found = self._found()
        missing = [call.title for call in self._calls if call.order.label not in found]
        must(not missing, f"calls of which no step arrived: {missing}")
        return [(call, found[call.order.label]) for call in self._calls]

    def _found(self) -> dict[str, Span]:
        servers = [span for span in self._world.collector.spans(self._prefix) if span.kind == "server"]
        labels = [call.order.label for call in self._calls]
        return {label: span for span in servers for label in labels if _names(span, label)}


def _repeats(span: Span, call: Call) -> bool:
    said = f"{span.attributes} {span.links} {span.events}".lower()
    return any(known in said for known in (call.trace, call.span))


def _names(span: Span, label: str) -> bool:
    return any(str(value).partition("?")[0].endswith(f"/{label}") for value in span.attributes.values())


def _filled(trace: str, span: str) -> Callable[[str], tuple[str, ...]]:
    """What fills the ids into a cell of a table; an empty cell is nothing said."""

    def fill(cell: str) -> tuple[str, ...]:
        own = cell.replace("TRACE", trace).replace("SPAN", span)
        own = own.replace("trace", trace.upper()).replace("span", span.upper())
        return tuple(part for part in own.split(" and again ") if part)

    return fill
