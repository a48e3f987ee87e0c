"""Which real call an answer came from: the provider writes that into each, so nobody has to understand a question."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty, equal_to

from support.capabilities.llm_response_caching_redis.client import Answer, Outcome, Question
from support.clients.provider_control import Arrival
from support.promise import broken

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_SAYS = re.compile(r"answer \w+ for (\S+) by (\S+), call (\d+)\b.* end$")


class Given(NamedTuple):
    """What a customer was answered to a question; it may have been made for one that is `alike`."""

    customer: str
    question: Question
    answer: Answer
    alike: Sequence[Question] = ()


def number_of(answer: Answer) -> int:
    """The number of the call that it came from. AssertionError unless it is an answer of the provider's, and whole."""
    if answer.outcome is not Outcome.ANSWERED:
        broken(f"a question was not answered, but {answer.outcome.name}: {answer.text[:200]!r}")
    if not (said := _SAYS.match(answer.text)):
        broken(f"this is no whole answer of the provider's: {answer.text[:200]!r}")
    return int(said[3])


def call_of(world: "World", customer: str, answer: Answer) -> Arrival:
    """The call that it came from, which `customer` made. AssertionError when the customer has made none such."""
    return _made_by(customer, answer, world.provider.calls(customer))


def expect_own(world: "World", customer: str, question: Question, answer: Answer, *alike: Question) -> None:
    """It was made for this very question of `customer`, or for one that is `alike`. AssertionError with both."""
    got, fit = _asked(call_of(world, customer, answer)), _shapes(question, *alike)
    if got not in fit:
        assert_that(got, equal_to(fit[0]), "the question that the answer was made for")


def expect_own_each(world: "World", given: Sequence[Given]) -> None:
    """The same for each of them; the meter is read once for all."""
    wrong = [(one.question.text, one.answer.text[:120]) for one in made_for_others(world, given)]
    assert_that(wrong, empty(), "questions, and answers that were made for others")


def made_for_others(world: "World", given: Sequence[Given]) -> list[Given]:
    """Those whose answer was made for another question; AssertionError where it was made for another customer."""
    calls = world.provider.calls()
    made = [(one, _made_by(one.customer, one.answer, calls)) for one in given]
    return [one for one, call in made if _asked(call) not in _shapes(one.question, *one.alike)]


def _made_by(customer: str, answer: Answer, calls: Iterable[Arrival]) -> Arrival:
    number = number_of(answer)
    found = [call for call in calls if call.seq == number and call.fields["alias"] == customer]
    if not found:
        broken(f"{customer} was given an answer that was not made for {customer}: {answer.text[:120]!r}")
    return found[0]


def _asked(call: Arrival) -> dict[str, object]:
    return {name: call.fields["asked"][name] for name in ("model", "messages")}


def _shapes(*questions: Question) -> list[dict[str, object]]:
    return [{"model": one.model, "messages": [dict(message) for message in one.messages]} for one in questions]
