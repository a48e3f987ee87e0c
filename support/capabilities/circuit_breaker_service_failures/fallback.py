"""What callers get in the place of an answer that the service does not give: one that it gave before."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, is_not

from support.capabilities.circuit_breaker_service_failures.calls import Call
from support.capabilities.circuit_breaker_service_failures.client import Outcome
from support.errors import ProbeError

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_GIVEN_FOR_S = 1.5


class Fallback:
    """The last answers of the service, and what those who asked again heard in its outage."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: dict[str, Call] = {}
        self._asked_again: list[Call] = []

    def learn(self, questions: int) -> None:
        """The service answers each question twice, and otherwise each time."""
        for number in range(2 * questions):
            label = f"question/{number % questions}"
            self._answers[label] = self._world.ask(label)

    def ask_again(self) -> None:
        """The service fails: each question is asked before its breaker opens and after that, and then a new one."""
        world = self._world
        world.misbehave("fails")
        before = [world.ask(label) for label in self._answers]
        world.open()
        self._asked_again = before + [world.ask(label) for label in self._answers]
        world.call(1)

    def expect_last_answers(self) -> None:
        """Each caller got the service's last answer to that question, called an earlier one.

        Raises ProbeError when it was too old by then.
        """
        for call in self._asked_again:
            last = self._answers[call.label]
            heard, wanted = (call.reply.outcome, call.reply.text), (Outcome.ANSWERED_EARLIER, last.reply.text)
            if heard != wanted and call.heard > last.sent + _GIVEN_FOR_S:
                raise ProbeError(f"the answer was {call.heard - last.sent:.1f} s old when it was asked for again")
            assert_that(heard, equal_to(wanted), f"what the caller heard who asked for {call.label} again")

    def expect_forgotten(self, after_s: float) -> None:
        """Once they are `after_s` old, none of the answers is given any more."""
        self._world.let_pass(after_s)
        for label in self._answers:
            outcome = self._world.ask(label).reply.outcome
            assert_that(outcome, is_not(Outcome.ANSWERED_EARLIER), f"what the caller heard who asked for {label}")
