"""What must not get out, and what must be found again: secrets, tenants, the trace in the logs, whose step it was."""

import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hamcrest import assert_that, equal_to, has_length

from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_PROCESSES = ("gateway", "service", "worker")
_WHOSE = ("service.name", "service.version", "service.instance.id")  # OpenTelemetry, semantic conventions, resources
_LINES = 3000
_WRITTEN_WITHIN_S = 3.0
_LATE_S = 0.5  # the step of a line arrives when the line is closed


class Secrets:
    """What is written of the order, wherever it is written."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def expect_none_told(self) -> None:
        """Neither password nor token nor card number stand in anything that arrived, byte by byte."""
        order = self._world.ordered
        time.sleep(_LATE_S)
        found = self._world.collector.bodies_with([order.label, order.password, order.token, order.card])
        secrets = {"the password": order.password, "the token": order.token, "the card's number": order.card}
        told = [name for name, value in secrets.items() if found[value]]
        must(not told, f"{' and '.join(told)} can be read where traces are kept")
        if not found[order.label]:
            raise ProbeError("nothing of the order stands in what arrived, so no secret could")

    def expect_partner_not_told(self) -> None:
        """The partner was asked, and no header told it baggage, or the tenant."""
        asked = self._world.asked()
        assert_that(asked, has_length(2), "what the partner was asked")
        for arrival in asked:
            must("baggage" not in arrival.headers, f"the partner was sent baggage with {arrival.path}")
            told = [name for name, value in arrival.headers.items() if self._world.ordered.tenant in unquote(value)]
            must(not told, f"the partner was told whose order it is, by {told}")

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
        """Each step tells service, version and instance, and each of the three processes is another of them."""
        spans = self._world.spans()
        untold = {name for span in spans for name in _WHOSE if not span.resource.get(name)}
        assert_that(untold, equal_to(set()), "what steps do not tell of whose they are")
        whose = {tuple(str(span.resource[name]) for name in _WHOSE) for span in spans}
        assert_that(len(whose), equal_to(len(_PROCESSES)), f"processes, as told: {whose}")
        assert_that(len({one[2] for one in whose}), equal_to(len(_PROCESSES)), f"instances, as told: {whose}")

    def _lines(self, process: str) -> list[str]:
        node = next(node for node in self._world.fleet.nodes if node.role == process)
        return [line for line in node.last_lines(_LINES).splitlines() if self._world.ordered.label in line]
