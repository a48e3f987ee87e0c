"""Two customers who ask the same: neither is ever given what was made for the other, nor waits for it."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.llm_response_caching_redis.calls import Given, call_of, expect_own_each
from support.capabilities.llm_response_caching_redis.client import Answer, Question
from support.capabilities.llm_response_caching_redis.pairs import EMBEDDER, SAME
from support.clients.model_provider_control import Near
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_ARRIVES_WITHIN_S = 5.0


class Neighbours:
    """The world's customer, and the other. Their names begin and end alike, and what is between differs in its size."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._asked = time.monotonic()
        begin, end = world.fresh("a-company-of-many-shops"), world.fresh("shop")
        world.customer, self._other = f"{begin}-a-{end}", f"{begin}-A-{end}"
        text = f"What is the price of {world.fresh('lamp')}?"
        self._questions = [_asked(text), *(_asked(form(text)) for form in SAME.values())]
        world.question = self._questions[0]
        world.provider.pin(Near(EMBEDDER, one.text, text, 0.99) for one in self._questions[1:])

    def own(self) -> None:
        """The customer has asked a question, and paid for it."""
        self._world.ask_first()

    def ask(self) -> None:
        """The other asks the same in other words, then in the same, through both gateways, also as somebody else."""
        world, given = self._world, []
        for question in reversed(self._questions):
            for gateway in world.nodes:
                pretending = Question(question.messages, pretending=world.customer)
                given += [self._given(one, gateway.ask(self._other, one)) for one in (pretending, question)]
        expect_own_each(world, given)

    def _given(self, question: Question, answer: Answer) -> Given:
        """The other's, which may have been made for the same in other words."""
        return Given(self._other, question, answer, self._questions)

    def expect_own(self) -> None:
        """Each of them paid once."""
        world = self._world
        world.expect_young(self._asked)
        assert_that((world.paid(), world.paid(self._other)), equal_to((1, 1)), "calls of the one, and of the other")

    def ask_at_once(self) -> None:
        """Both ask at the same time, whole and in pieces; the provider answers when it has been asked by both."""
        world = self._world
        held = world.provider.arm("hold_before", times=None)
        asked = [
            world.background.submit(ask, customer, self._questions[0])
            for customer in (world.customer, self._other)
            for ask in (world.nodes[0].ask, world.nodes[1].ask)
        ]
        found = world.provider.await_arrivals(1, _ARRIVES_WITHIN_S, alias=world.customer)
        found += world.provider.await_arrivals(1, _ARRIVES_WITHIN_S, alias=self._other)
        callers = {arrival.fields["alias"] for arrival in found}
        must(len(callers) == 2, f"only {callers} asked the provider: one customer waits for what another asked")
        held.heal()
        for number, answer in enumerate(asked):
            call_of(world, (world.customer, self._other)[number // 2], answer.result())


def _asked(text: str) -> Question:
    return Question([{"role": "user", "content": text}])
