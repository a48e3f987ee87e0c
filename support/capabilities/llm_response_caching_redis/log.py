"""A day of questions, few of them asked often: what it costs through the gateways, and straight at the provider."""

import random
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.llm_response_caching_redis.calls import number_of
from support.capabilities.llm_response_caching_redis.client import Question
from support.clients.model_provider_control import CHAT, ModelProviderUser
from support.errors import ProbeError
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_RULES = "You answer customers of a shop. Be brief, be polite, and promise nothing. " * 6
_AT_ONCE = 8
_RUSH_MS = 300
_TOO_LONG_S = 50.0  # an answer lives for 20 s, so that even so often asked anew more is saved than is judged


class Log:
    """The questions in their order."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._straight = world.fresh("straight")
        self._asked: list[tuple[Question, int]] = []  # with the call that answered it
        self._took_s = 0.0

    def ask_often(self, count: int, questions: int, skew: float) -> None:
        """`count` of so many `questions`, the n-th as often as 1/n^`skew` says; the same also straight."""
        known = [self._question() for _ in range(questions)]
        weights = list(accumulate(1 / rank**skew for rank in range(1, questions + 1)))
        asked = random.choices(known, cum_weights=weights, k=count)
        # It begins with a rush: the answer that most want takes its time, and is paid for by one of them.
        asked[:_AT_ONCE] = known[:1] * _AT_ONCE
        self._world.provider.arm("slow", match={"alias": self._world.customer}, ms=_RUSH_MS)
        self._ask(asked)

    def ask_once(self, count: int) -> None:
        """`count` questions that are all different; the same also straight."""
        self._ask([self._question() for _ in range(count)])

    def expect_saved(self, percent: float) -> None:
        """The provider's bill is lower by so much than for asking straight, and every answer was its question's own."""
        self.expect_right()
        straight, paid = (self._world.provider.bill(who).cost for who in (self._straight, self._world.customer))
        saved = 100 * (1 - paid / straight)
        if saved < percent and self._took_s > _TOO_LONG_S:
            raise ProbeError(f"it took {self._took_s:.0f} s, so that answers had to be asked for anew too often")
        assert_that(
            saved, greater_than_or_equal_to(percent), f"% saved: {paid} instead of {straight} millionths of a $"
        )

    def expect_no_dearer(self, percent: float) -> None:
        """It cost at most so much more than asking straight."""
        self.expect_right()
        straight, paid = (self._world.provider.bill(who).cost for who in (self._straight, self._world.customer))
        assert_that(paid, less_than_or_equal_to(straight * (1 + percent / 100)), "millionths of a dollar")

    def expect_right(self) -> None:
        """Every answer came from a call that asked this very question."""
        asked = {call.seq: call.fields["question"] for call in self._world.provider.calls(self._world.customer)}
        wrong = [
            (question.text, asked.get(number)) for question, number in self._asked if asked.get(number) != question.text
        ]
        assert_that(wrong, empty(), "questions, and what was answered instead")

    def expect_figures(self) -> None:
        """What the gateways say that was paid is what the provider counted, and what was saved is all the rest."""
        world = self._world
        told = [gateway.figures(world.customer) for gateway in world.nodes]
        paid, straight = world.provider.bill(world.customer), world.provider.bill(self._straight, CHAT)
        said = [sum(one.calls for one in told), sum(one.prompt_tokens for one in told)]
        said.append(sum(one.completion_tokens for one in told))
        assert_that(
            said, equal_to([paid.calls, paid.prompt_tokens, paid.words]), "calls and tokens, as told and metered"
        )
        chat = world.provider.bill(world.customer, CHAT)
        rest = straight.prompt_tokens + straight.words - chat.prompt_tokens - chat.words
        assert_that(
            sum(one.saved_tokens for one in told), equal_to(rest), "tokens that were saved, as told and metered"
        )

    def _ask(self, questions: Sequence[Question]) -> None:
        world = self._world
        user = world.opened(ModelProviderUser.of(world.fleet, "model-provider"))
        for_each(questions, lambda one: user.ask(self._straight, one.model, one.messages, one.fields), _AT_ONCE)
        world.provider.forget_prompts()
        began = time.monotonic()
        for_each([*enumerate(questions)], lambda one: self._ask_one(*one), _AT_ONCE)
        self._took_s = time.monotonic() - began

    def _ask_one(self, number: int, question: Question) -> None:
        world = self._world
        gateway = world.nodes[number % len(world.nodes)]
        ask = gateway.ask if number % (2 * len(world.nodes)) < len(world.nodes) else gateway.stream
        answer = ask(world.customer, question)
        self._asked.append((question, number_of(answer)))

    def _question(self) -> Question:
        rules = {"role": "system", "content": _RULES}
        return Question([rules, *self._world.words("orders")])
