"""What traces tell of errors: where it broke, what broke it, once; and nothing of what was mended on the way."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from hamcrest import assert_that, contains_exactly, equal_to, has_length

from support.capabilities.distributed_tracing_otel.callers import named
from support.capabilities.distributed_tracing_otel.client import Outcome
from support.capabilities.distributed_tracing_otel.tree import ERROR_TYPE, flaws, nameless
from support.clients.otlp_receiver_control import Span
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World

_ARRIVES_WITHIN_S = 8.0


class Errors:
    """The partner, which fails as it is told, and the steps of the order's trace."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._outcome: Outcome | None = None

    def place(self) -> None:
        """A customer places the order, and hears what became of it."""
        self._outcome = self._world.place()

    def place_on_line(self) -> None:
        """The same on a line."""
        (self._outcome,) = self._world.order_on_line(self._world.ordered)

    def partner_talks_nonsense(self) -> None:
        """What it says of prices is not what it has always said."""
        self._world.partner.answer({"method": "GET", "path": f"*{self._world.ordered.label}"}, body="<html>")

    def partner_knows_nothing(self) -> None:
        """There is no such article."""
        self._world.partner.answer({"method": "GET", "path": f"*{self._world.ordered.label}"}, 404)

    def partner_breaks_off(self, times: int | None) -> None:
        """It resets the connection when it is asked for prices, so many times, or each time."""
        self._world.partner.arm("reset", times, match={"method": "GET", "path": f"*{self._world.ordered.label}"})

    def partner_fails_to_ship(self, times: int) -> None:
        """It fails when it is asked for the shipment, so many times."""
        match = {"method": "POST", "path": f"*{self._world.ordered.label}"}
        self._world.partner.arm("status", times, match=match, status=503)

    def expect_failed(self) -> None:
        """Both servers' steps are errors of a kind that is named, and the exception is recorded once in all."""
        assert_that(self._outcome, equal_to(Outcome.FAILED), "what the customer heard")
        servers = self._servers()
        assert_that([s.status for s in servers], contains_exactly("error", "error"), f"how {servers} ended, as told")
        spans = self._world.spans()
        untold = nameless(spans)
        must(not untold, f"steps that do not tell what kind of error it was: {untold}")
        assert_that(sum(s.exceptions for s in spans), equal_to(1), f"how often the exception is recorded in {spans}")

    def expect_told_where(self) -> None:
        """Each question that the partner gave no good answer to is an error, and no other call of the service's.

        Where it failed before the partner was asked, it was at the store, and a call of that is one, if any is told.
        """
        inner = next((span.service for span in self._servers() if span.parent), "")
        calls = [span for span in self._world.spans() if span.kind == "client" and span.service == inner]
        failed, asked = {span.id for span in calls if span.status == "error"}, self._world.asked()
        if not asked:
            must(failed or not calls, f"none of the service's calls is told to have failed: {calls}")
            return
        wanted = {named(one).span for one in asked if one.status is None or one.status >= HTTPStatus.BAD_REQUEST}
        assert_that(failed, equal_to(wanted), f"the calls that failed, as told, of {calls}")

    def expect_unreached(self) -> None:
        """The gateway's step and its call are errors of a kind that is named, and nothing else is in the trace."""
        assert_that(self._outcome, equal_to(Outcome.FAILED), "what the customer heard")
        self._world.steps("server", 1)
        told = sorted((s.kind, s.status, bool(s.attributes.get(ERROR_TYPE))) for s in self._world.spans())
        assert_that(told, equal_to([("client", "error", True), ("server", "error", True)]), "the steps, as told")

    def expect_mended(self, failed: int) -> None:
        """Exactly `failed` calls are errors, of a kind that is named; no other step of the trace is one."""
        # Each process tells of its steps by itself, in the order in which they ended.
        poll(lambda: not flaws(self._world.spans()), _ARRIVES_WITHIN_S)
        wrong = [span for span in self._world.spans() if span.status == "error"]
        assert_that([s.kind for s in wrong], equal_to(["client"] * failed), "the steps that are told to have failed")
        assert_that(nameless(wrong), has_length(0), "those without a reason")
        loud = [str(span) for span in self._world.spans() if span.exceptions]
        must(not loud, f"an error that was mended is told as an exception that nobody handled: {loud}")

    def expect_callers_mistake(self) -> None:
        """The customer heard so, and no server's step is an error."""
        assert_that(self._outcome, equal_to(Outcome.NO_SUCH_ARTICLE), "what the customer heard")
        servers = self._servers()
        assert_that([s.status for s in servers], contains_exactly("unset", "unset"), "how the servers' steps ended")
        loud = [str(s) for s in servers if s.exceptions or s.attributes.get(ERROR_TYPE)]
        must(not loud, f"servers' steps that tell of an error: {loud}")

    def expect_attempts(self, failed: int, well: int) -> None:
        """So many attempts at the shipment are errors, each with its exception; the others are not."""
        attempts = self._world.steps("consumer", failed + well)
        told = sorted((span.status, span.exceptions) for span in attempts)
        assert_that(told, equal_to([("error", 1)] * failed + [("unset", 0)] * well), "the attempts, as told")

    def _servers(self) -> list[Span]:
        return self._world.steps("server", 2)
