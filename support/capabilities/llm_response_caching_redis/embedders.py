"""The embedder is changed: vectors of the old one say nothing to the new one, which may find other questions alike."""

from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own_each
from support.capabilities.llm_response_caching_redis.client import Answer, Question
from support.capabilities.llm_response_caching_redis.pairs import EMBEDDER, SAME, Drawn
from support.clients.model_provider_control import Near
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

RENEWED = "embed-b"  # by which the renewed gateways find questions alike
_ALIKE, _APART = 0.97, 0.2


class Case(NamedTuple):
    """A customer's question, the same in other words, and one that only the new embedder tells from both."""

    customer: str
    question: Question
    alike: Question
    apart: Question


class Embedders:
    """Questions that were asked through the first gateway, and are asked through the renewed ones."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._cases: list[Case] = []
        self._answers: list[tuple[Case, list[Answer]]] = []

    def ask_old(self, count: int) -> None:
        """`count` questions are asked through the first gateway, and in other words.

        Every second time also in those that only the first gateway's embedder takes for the same.
        """
        self._cases = [self._case() for _ in range(count)]
        for number, case in enumerate(self._cases):
            one, other, third = case.question.text, case.alike.text, case.apart.text
            said = [(EMBEDDER, other, _ALIKE), (EMBEDDER, third, _ALIKE), (RENEWED, other, _ALIKE)]
            said.append((RENEWED, third, _APART))
            self._world.provider.pin(Near(model, text, one, cosine) for model, text, cosine in said)
            for question in (case.question, case.alike, case.apart)[: 2 + number % 2]:
                self._world.nodes[0].ask(case.customer, question)

    def ask_new(self) -> None:
        """They are asked through the renewed gateways in turn, and then what only their embedder tells apart."""
        for case, gateway in zip(self._cases, turns(self._world.renewed), strict=False):
            asked = (case.question, case.alike, case.apart)
            self._answers.append((case, [gateway.ask(case.customer, one) for one in asked]))

    def expect_right(self) -> None:
        """Each was answered for itself, or in these for those other words."""
        for case, (one, other, third) in self._answers:
            given = [Given(case.customer, case.question, one, [case.alike])]
            given.append(Given(case.customer, case.alike, other, [case.question]))
            expect_own_each(self._world, [*given, Given(case.customer, case.apart, third)])

    def _case(self) -> Case:
        text = f"Who is the owner of account {Drawn().number}?"
        texts = (text, SAME["please at the end"](text), text.replace(" the ", " an "))
        one, other, third = (Question([{"role": "user", "content": said}]) for said in texts)
        return Case(self._world.fresh("customer"), one, other, third)
