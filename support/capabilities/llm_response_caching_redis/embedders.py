"""The embedder is changed: vectors of the old one say nothing to the new one, which may find other questions alike."""

from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.llm_response_caching_redis.calls import expect_own
from support.capabilities.llm_response_caching_redis.client import Answer, Question
from support.capabilities.llm_response_caching_redis.pairs import EMBEDDER, SAME, Drawn
from support.clients.model_provider_control import Near

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_NEW = "embed-b"  # by which the renewed gateway finds questions alike
_ALIKE, _APART = 0.97, 0.2


class Case(NamedTuple):
    """A customer's question, the same in other words, and one that only the new embedder tells from both."""

    customer: str
    question: Question
    alike: Question
    apart: Question


class Embedders:
    """Questions that were asked through the first gateway, and are asked through the renewed one."""

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
            said = [(EMBEDDER, other, _ALIKE), (EMBEDDER, third, _ALIKE), (_NEW, other, _ALIKE), (_NEW, third, _APART)]
            self._world.provider.pin(Near(model, text, one, cosine) for model, text, cosine in said)
            for question in (case.question, case.alike, case.apart)[: 2 + number % 2]:
                self._world.nodes[0].ask(case.customer, question)

    def ask_new(self) -> None:
        """They are asked through the renewed gateway, and then what only its embedder tells apart."""
        for case in self._cases:
            asked = (case.question, case.alike, case.apart)
            self._answers.append((case, [self._world.renewed.ask(case.customer, one) for one in asked]))

    def expect_right(self) -> None:
        """Each was answered for itself, or in these for those other words."""
        for case, (one, other, third) in self._answers:
            expect_own(self._world, case.customer, case.question, one, case.alike)
            expect_own(self._world, case.customer, case.alike, other, case.question)
            expect_own(self._world, case.customer, case.apart, third)

    def _case(self) -> Case:
        text = f"Who is the owner of account {Drawn().number}?"
        texts = (text, SAME["please at the end"](text), text.replace(" the ", " an "))
        one, other, third = (Question([{"role": "user", "content": said}]) for said in texts)
        return Case(self._world.fresh("customer"), one, other, third)
