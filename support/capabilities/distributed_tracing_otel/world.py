"""One scenario of tracing: orders that nobody has placed before, and what of them arrived where traces are kept."""

import time
from collections.abc import Sequence
from contextlib import closing
from random import randrange
from secrets import token_hex

from hamcrest import assert_that, equal_to

from support.capabilities.distributed_tracing_otel.callers import Callers, beside_its_time
from support.capabilities.distributed_tracing_otel.client import NOTHING, Adapter, Names, Order, Outcome, Said
from support.capabilities.distributed_tracing_otel.crowd import Crowd
from support.capabilities.distributed_tracing_otel.endings import Endings
from support.capabilities.distributed_tracing_otel.errors import Errors
from support.capabilities.distributed_tracing_otel.medley import Medley
from support.capabilities.distributed_tracing_otel.outage import Outage
from support.capabilities.distributed_tracing_otel.secrets import Secrets
from support.capabilities.distributed_tracing_otel.tree import ARRIVES_WITHIN_S, WAY, backwards, flaws, nothing_wrong
from support.clients.otlp_receiver_control import OtlpReceiverControl, Span
from support.clients.provider_control import Arrival
from support.clients.upstream_control import UpstreamControl
from support.faults.faults import Faults
from support.polling import poll
from support.probes.jaeger import Jaeger
from support.promise import must
from support.worlds import world
from support.worlds.world import part


class World(world.World[Adapter]):
    """What the steps of one scenario share: the order that sentences speak of, and where its trace is looked for."""

    callers = part(Callers)
    crowd = part(Crowd)
    endings = part(Endings)
    errors = part(Errors)
    medley = part(Medley)
    outage = part(Outage)
    secrets = part(Secrets)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.jaeger = self.opened(Jaeger(self.fleet))
        self.collector = self.opened(OtlpReceiverControl.of(self.fleet, "otlp-receiver"))
        self.partner = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.collector.begin_anew(self.jaeger.takes_at)
        self.orders: list[Order] = []  # all that this scenario has made
        self.ordered = self.new_order()
        self._before: Order | None = None
        self.line_left_at = 0.0
        self._began_ns = time.time_ns()

    # Whom sentences speak of

    def at(self, role: str) -> Adapter:
        """The process of the platform that sentences call so."""
        return next(adapter for node, adapter in zip(self.fleet.nodes, self.nodes, strict=True) if node.role == role)

    def names(self) -> Names:
        """The attributes by which the platform names order and tenant."""
        return self.at("gateway").names()

    def new_order(self, label: str = "", tenant: str = "") -> Order:
        """An order of a tenant that nobody has seen before, or of that one, with secrets of its own.

        A secret has a half before and one after what is written in another way in a query, or ends a word. Every other
        card's number is in groups.
        """
        password, token = f"{token_hex(8)}+/ {token_hex(8)}=", f"{token_hex(8)} +&=%ü?#{token_hex(8)}"
        groups = ["4000", *(f"{randrange(10**4):04d}" for _ in range(3))]
        card = ("" if len(self.orders) % 2 else " ").join(groups)
        tenant = tenant or f"{self.fresh('tenant')} Müller & Söhne, 50 %"
        order = Order(label or self.fresh("order"), tenant, password, token, card)
        self.orders.append(order)
        return order

    # What customers do

    def place(self, said: Said = NOTHING) -> Outcome:
        """A customer places the order at the gateway."""
        return self.at("gateway").order(self.ordered, said)

    def place_before(self) -> None:
        """An order that is told to its end, so that no step of what is done from now on is one of its."""
        self._before = before = self.new_order()
        self.taken(self.at("gateway").order(before))
        nothing_wrong(lambda: flaws(self.spans(before)), "the trace of an order before")
        self._began_ns = time.time_ns()

    def place_on_line(self) -> None:
        """The same on a line that is opened for it, after another order on that line."""
        for outcome in self.order_on_line(self.new_order(), self.ordered):
            self.taken(outcome)

    def order_on_line(self, *orders: Order) -> list[Outcome]:
        """Places these one after the other on a line to the gateway, which is closed then; what the customer heard."""
        with closing(self.at("gateway").line(self.ordered.token)) as line:
            heard = [line.order(order) for order in orders]
        self.line_left_at = time.monotonic()
        return heard

    def ask_for_losses(self) -> None:
        """The monitoring asks every process how many steps were lost."""
        for node in self.nodes:
            node.lost()

    def taken(self, outcome: Outcome) -> None:
        """It was taken."""
        assert_that(outcome, equal_to(Outcome.TAKEN), "what became of the order, as the customer heard")

    # Where traces are kept

    def spans(self, order: Order | None = None) -> list[Span]:
        """What the collector has of an order's traces, as often as it arrived."""
        return self.collector.spans((order or self.ordered).label)

    def asked(self, order: Order | None = None) -> list[Arrival]:
        """What the partner was asked for an order, by its own meter."""
        return self.partner.arrivals(path=f"/*/{(order or self.ordered).label}")

    def steps(self, of_kind: str, count: int, order: Order | None = None) -> list[Span]:
        """The steps of that kind, once there are so many of them. AssertionError when they do not come."""

        def found() -> list[Span]:
            return [span for span in self.spans(order) if span.kind == of_kind]

        poll(lambda: len(found()) >= count, ARRIVES_WITHIN_S)
        assert_that(len(found()), equal_to(count), f"steps of the kind {of_kind} that arrived")
        return found()

    # What must hold

    def expect_tree(self, way: Sequence[str] = WAY, order: Order | None = None) -> None:
        """The order is one whole tree, each step arrived once, and Jaeger shows the same tree."""
        nothing_wrong(lambda: flaws(self.spans(order), way), "the order's trace, as it arrived")
        arrived = self.spans(order)
        trace = arrived[0].trace
        shown = poll(lambda: len(self.jaeger.trace(trace)) == len(arrived), ARRIVES_WITHIN_S)
        must(shown, f"Jaeger shows {len(self.jaeger.trace(trace))} of {len(arrived)} steps of the trace {trace}")
        nothing_wrong(lambda: flaws(self.jaeger.trace(trace), way), "the order's trace, as Jaeger shows it")

    def expect_forwards(self) -> None:
        """No step began before the one that caused it, by the clocks of the processes."""
        late = backwards(self.spans())
        must(not late, f"steps that began before the step that caused them: {late}")

    def expect_partner_in_trace(self, count: int) -> None:
        """The partner was asked `count` times, each time in the name of the step of the order's trace that asked it.

        And while that step lasted, by the clock of this machine, which all of them share.
        """
        poll(lambda: len(self.asked()) >= count, ARRIVES_WITHIN_S)
        named = sorted(tuple(said.split("-")[1:3]) for said in self._told())
        clients = self.spans()
        hosts = {(span.trace, span.id) for span in clients if span.kind == "client"}
        assert_that(len(named), equal_to(count), "how often the partner was asked in the name of a trace")
        assert_that(len(set(named)), equal_to(count), "how many steps asked the partner, once each")
        strange = [one for one in named if one not in hosts]
        must(not strange, f"the partner was asked by {strange}, which are no steps of the order's trace: {clients}")
        beside = [flaw for arrival in self.asked() for flaw in beside_its_time(arrival, clients)]
        must(not beside, f"steps that are told to have ended before, or begun after: {beside}")

    def expect_named(self) -> None:
        """Every step of the order's trace names the order and its tenant."""
        names, order = self.names(), self.ordered
        wanted = (order.label, order.tenant)
        got = {str(s): (s.attributes.get(names.order), s.attributes.get(names.tenant)) for s in self.spans()}
        wrong = {step: told for step, told in got.items() if told != wanted}
        must(not wrong, f"steps that do not name {wanted}: {wrong}")

    def alone(self, *besides: str) -> list[str]:
        """The steps since the scenario began, or since an order before, that are in no trace of an order of since then.

        Nor are they in one of `besides`.
        """
        labels = {order.label for order in self.orders if order is not self._before}
        name, since = self.names().order, [span for span in self.collector.spans() if span.began_ns > self._began_ns]
        ordered = {span.trace for span in since if span.attributes.get(name) in labels} | {*besides}
        return [f"{span} of the trace {span.trace}" for span in since if span.trace not in ordered]

    def expect_none_alone(self, *besides: str) -> None:
        """There are none of these."""
        alone = self.alone(*besides)
        must(not alone, f"steps that belong to no order: {alone[:5]} and {max(0, len(alone) - 5)} more")

    def expect_shipments(self, count: int) -> None:
        """The partner was asked for the shipment `count` times, and is not asked once more."""
        shipments = f"*{self.ordered.label}"
        self.partner.await_arrivals(count, ARRIVES_WITHIN_S, method="POST", path=shipments)
        self.steps("consumer", count)
        time.sleep(0.3)  # for one more that should not come
        found = self.partner.arrivals(method="POST", path=shipments)
        assert_that(len(found), equal_to(count), "how often the shipment was asked for, by the partner's own count")

    def _told(self) -> list[str]:
        told = [arrival.headers.get("traceparent", "") for arrival in self.asked()]
        must(all(told), f"the partner was asked without a trace: {told}")
        return told
