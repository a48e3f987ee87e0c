"""Which real call an answer came from: the provider writes that into each, so nobody has to understand a question."""

import re
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.llm_response_caching_redis.client import Answer, Outcome, Question
from support.clients.provider_control import Arrival
from support.promise import broken

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_SAYS = re.compile(r"answer \w+ for (\S+) by (\S+), call (\d+)\b.* end$")


def number_of(answer: Answer) -> int:
    """The number of the call that it came from. AssertionError unless it is an answer of the provider's, and whole."""
    if answer.outcome is not Outcome.ANSWERED:
        broken(f"a question was not answered, but {answer.outcome.name}: {answer.text[:200]!r}")
    if not (said := _SAYS.match(answer.text)):
        broken(f"this is no whole answer of the provider's: {answer.text[:200]!r}")
    return int(said[3])


def call_of(world: "World", customer: str, answer: Answer) -> Arrival:
    """The call that it came from, which `customer` made. AssertionError when the customer has made none such."""
    number = number_of(answer)
    found = [call for call in world.provider.calls(customer) if call.seq == number]
    if not found:
        broken(f"{customer} was given an answer that was not made for {customer}: {answer.text[:120]!r}")
    return found[0]


def expect_own(world: "World", customer: str, question: Question, answer: Answer, *alike: Question) -> None:
    """It was made for this very question of `customer`, or for one that is `alike`. AssertionError with both."""
    asked = call_of(world, customer, answer).fields["asked"]
    fit = [_shape(one) for one in (question, *alike)]
    got = {"model": asked["model"], "messages": asked["messages"]}
    if got not in fit:
        assert_that(got, equal_to(fit[0]), "the question that the answer was made for")


def _shape(question: Question) -> dict[str, object]:
    return {"model": question.model, "messages": [dict(message) for message in question.messages]}
