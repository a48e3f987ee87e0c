"""What must not get out, and what must be found again: secrets, tenants, the trace in the logs, whose step it was."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, has_length

from support.capabilities.distributed_tracing_otel.client import Order
from support.capabilities.distributed_tracing_otel.outage import SERVICE
from support.capabilities.distributed_tracing_otel.tree import WAY, flaws, nothing_wrong
from support.clients.provider_control import Arrival
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_PROCESSES = ("gateway", "service", "worker")
_WHOSE = ("service.name", "service.version", "service.instance.id")  # OpenTelemetry, semantic conventions, resources
LINES = 5000
_WRITTEN_WITHIN_S = 3.0
_LATE_S = 0.5  # the step of a line arrives when the line is closed


class Secrets:
    """What is written of the order, wherever it is written."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._beside: Order | None = None

    def place_beside(self) -> None:
        """An order in the small service, which is another process of the service that orders go through.

        It is shipped by then, so that whatever the worker keeps of its first order is not of the next.
        """
        self._beside = self._world.new_order()
        self._world.taken(self._world.at(SERVICE).order(self._beside))
        self._world.steps("consumer", 1, self._beside)

    def expect_none_told(self, orders: Sequence[Order] = ()) -> None:
        """No part of a password, a token or a card's number stands in anything that arrived, or in a line of a log.

        `orders` are those whose secrets are looked for: all of the scenario's where none are named.
        """
        orders = orders or self._world.orders
        wait_until(self._world.line_left_at + _LATE_S)
        parts = [known for order in orders for known in parts_of(order)]
        found = self._world.collector.bodies_with([orders[0].label, *(part for _, part in parts)])
        told = sorted({what for what, part in parts if found[part]})
        must(not told, f"{' and '.join(told)} can be read where traces are kept")
        if not found[orders[0].label]:
            raise ProbeError("nothing of the order stands in what arrived, so no secret could")
        for node in self._world.fleet.nodes:
            lines = node.last_lines(LINES)
            told = sorted({what for what, part in parts if part in lines})
            must(not told, f"{' and '.join(told)} can be read in what {node.name} has written")

    def expect_partner_not_told(self) -> None:
        """The partner was asked, and neither baggage nor any word of the tenant or of a secret came along."""
        asked = self._world.asked()
        assert_that(asked, has_length(2), "what the partner was asked")
        told = [flaw for arrival in asked for flaw in too_much(arrival, self._world.ordered)]
        must(not told, f"the partner was told too much: {told}")

    def expect_in_logs(self) -> None:
        """Each process has written of the order, each time with its trace, and with a step of that trace."""
        spans = self._world.spans()
        for process in _PROCESSES:
            poll(lambda p=process: self._lines(p), _WRITTEN_WITHIN_S)  # type: ignore[misc]
            lines = self._lines(process)
            must(lines, f"the {process} wrote nothing of the order")
            blind = [one for one in lines if spans[0].trace not in one or not any(span.id in one for span in spans)]
            must(not blind, f"lines of the {process} that lead to no step of the trace: {blind}")

    def expect_whose(self) -> None:
        """Each step tells service, version and instance, and no two processes of one service are the same instance.

        The order went through three processes, and the other through one more and the same worker.
        """
        nothing_wrong(lambda: flaws(self._world.spans(self._beside), WAY[2:]), "the trace of the small service's order")
        spans = self._world.spans() + self._world.spans(self._beside)
        untold = {name for span in spans for name in _WHOSE if not span.resource.get(name)}
        assert_that(untold, equal_to(set()), "what steps do not tell of whose they are")
        whose = {tuple(str(span.resource[name]) for name in _WHOSE) for span in spans}
        assert_that(len(whose), equal_to(len(_PROCESSES) + 1), f"processes, as told: {whose}")
        # What tells processes apart is the instance: two versions of one service may run at a time.
        instances = {(service, instance) for service, _, instance in whose}
        assert_that(len(instances), equal_to(len(whose)), f"instances, as told: {whose}")

    def _lines(self, process: str) -> list[str]:
        node = next(node for node in self._world.fleet.nodes if node.role == process)
        return [line for line in node.last_lines(LINES).splitlines() if self._world.ordered.label in line]


def parts_of(order: Order) -> list[tuple[str, str]]:
    """By what each secret of an order is known again, however it is written: its name, and a part of it."""
    halves = {"the password": order.password, "the token": order.token}
    found = [(what, half) for what, value in halves.items() for half in re.findall("[0-9a-f]{16}", value)]
    groups = re.findall(r"\d{4}", order.card)
    return found + [("the card's number", between.join(groups)) for between in ("", " ", "-", "+", "%20")]


def too_much(arrival: Arrival, order: Order) -> list[str]:
    """What a request told the partner, wherever it stands in it, that is no business of the partner's."""
    (tenant,) = re.findall("[0-9a-f]{12}", order.tenant)[:1]
    known = [("the tenant", tenant), *parts_of(order)]
    said = f"{arrival.path} {dict(arrival.query)} {dict(arrival.headers)} {arrival.body}"
    told = sorted({what for what, part in known if part in said})
    return [f"{what}, with {arrival.path}" for what in (*told, *({"baggage"} & {*arrival.headers}))]
