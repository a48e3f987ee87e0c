"""The forms in which a question is asked: whole, or in pieces with or without what it cost. The answer is the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own_each, number_of
from support.capabilities.llm_response_caching_redis.client import Adapter, Answer, Question

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_WHOLE = "whole"
_FORMS: Mapping[str, Callable[[Adapter, str, Question], Answer]] = {
    _WHOLE: lambda gateway, customer, question: gateway.ask(customer, question),
    "in pieces": lambda gateway, customer, question: gateway.stream(customer, question),
    "in pieces, with what it cost": lambda gateway, customer, question: gateway.stream(customer, question, True),
    "in pieces, without what it cost": lambda gateway, customer, question: gateway.stream(customer, question, False),
}
_PRICED = (_WHOLE, "in pieces, with what it cost")


@dataclass
class Case:
    """One question of a customer of its own, the form in which it was asked first, and all answers, by their form."""

    customer: str
    question: Question
    first: str
    answers: list[tuple[str, Answer]] = field(default_factory=list)


class Forms:
    """A question for each form, asked in this form first, and then in all of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._cases = [Case(world.fresh("customer"), world.new_question(), form) for form in _FORMS]

    def ask_first(self) -> None:
        """Each is asked in its own form, through the first gateway, and paid for."""
        for case in self._cases:
            self._ask(case, case.first, self._world.nodes[0])
        self._expect_own()

    def ask_again(self) -> None:
        """Each is asked in all forms, through both gateways."""
        for case in self._cases:
            for form in _FORMS:
                for gateway in self._world.nodes:
                    self._ask(case, form, gateway)
        self._expect_own()

    def expect_same(self) -> None:
        """The words are the same in all forms, and the pieces, or the whole, in each form alike, to the last member."""
        for case in self._cases:
            said = {(answer.text, _ends(answer)) for _, answer in case.answers}
            assert_that(len(said), equal_to(1), f"different words or ends, first asked for {case.first}: {said}")
            for is_whole in (True, False):
                alike = [_unpriced(answer) for form, answer in case.answers if (form == _WHOLE) is is_whole]
                for one in alike:
                    assert_that(one, equal_to(alike[0]), f"what came of it, first asked for {case.first}")

    def expect_cost_told(self) -> None:
        """What the provider's meter says that it cost is told once to those who asked for that, and to nobody else."""
        calls = {call.seq: call.fields for call in self._world.provider.calls()}
        for case in self._cases:
            for form, answer in case.answers:
                paid = calls[number_of(answer)]
                priced = [(paid["prompt_tokens"], paid["words"])] if form in _PRICED else []
                assert_that(_costs(answer), equal_to(priced), f"costs told {form}, first asked for {case.first}")

    def expect_paid_once(self) -> None:
        """Each was paid for once."""
        paid = {case.first: self._world.paid(case.customer) for case in self._cases}
        assert_that(paid, equal_to(dict.fromkeys(_FORMS, 1)), "calls, by the form of the first")

    def _ask(self, case: Case, form: str, gateway: Adapter) -> None:
        case.answers.append((form, _FORMS[form](gateway, case.customer, case.question)))

    def _expect_own(self) -> None:
        given = [Given(case.customer, case.question, answer) for case in self._cases for _, answer in case.answers]
        expect_own_each(self._world, given)


def _costs(answer: Answer) -> list[tuple[int, int]]:
    told = [part["usage"] for part in answer.parts if part.get("usage")]
    return [(usage["prompt_tokens"], usage["completion_tokens"]) for usage in told]


def _unpriced(answer: Answer) -> list[dict[str, Any]]:
    """What it came in, without what it cost; a piece that tells nothing else is left out."""
    bare = [{name: value for name, value in part.items() if name != "usage"} for part in answer.parts]
    return [part for part in bare if part.get("choices")]


def _ends(answer: Answer) -> tuple[str, ...]:
    choices = [choice for part in answer.parts for choice in part.get("choices") or []]
    return tuple(choice["finish_reason"] for choice in choices if choice.get("finish_reason"))
