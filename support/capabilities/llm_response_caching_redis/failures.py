"""Answers that are none: they are passed on, and never given to anybody again."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own_each, number_of
from support.capabilities.llm_response_caching_redis.client import Answer, Outcome, Question, Stream
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_HEARD_WITHIN_S = 5.0
_NOTICED_WITHIN_S = 1.0
# What is scripted; a fault is one of the control port's own. The outcomes are those that do not look like an answer.
_SCRIPTS: Mapping[str, Mapping[str, Any]] = {
    "is cut short by its limit": {"finish": "length", "content": "Half of an"},
    "is filtered": {"finish": "content_filter", "content": "The first part is"},
    "is a refusal": {"refusal": "I cannot help with that.", "content": ""},
    "calls a tool": {"tool": "look_up", "finish": "tool_calls", "content": ""},
    "has no words": {"content": ""},
    "is nothing but blanks": {"content": " \n"},
    "is no JSON": {"ends": "broken"},
    "ends in the middle as if it were whole": {"ends": "cut", "pieces": 6},
    "ends in an error in the middle": {"ends": "error", "pieces": 6},
}
_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "is an error of the provider": {"do": "status", "status": 503},
    "is that too much was asked": {"do": "status", "status": 429},
    "breaks off in the middle": {"do": "reset", "part": "body", "pieces": 6},
}
_IN_PIECES_ONLY = (
    "ends in the middle as if it were whole",
    "ends in an error in the middle",
    "breaks off in the middle",
)
_NO_ANSWER = (*_IN_PIECES_ONLY, *_FAULTS, "is no JSON")


class Failures:
    """One question in each form, each of a customer of its own, whose first answer is none."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._forms = [False, True]
        self._customers = {in_pieces: world.fresh("customer") for in_pieces in self._forms}
        self._heard: dict[bool, Answer] = {}
        self._numbers: list[int] = []
        self._kept: list[int] = []
        self._refusals: list[Outcome] = []
        self._listeners: list[Stream] = []
        self._given_up: list[bool] = []

    def ask(self, what: str) -> None:
        """Each asks through the first gateway, and the provider's answer `what`."""
        self._forms = [True] if what in _IN_PIECES_ONLY else [False, True]
        for in_pieces in self._forms:
            customer = self._customers[in_pieces]
            fault = self._tell(what, customer)
            self._heard[in_pieces] = self._ask(in_pieces)
            fault()
        if what in _NO_ANSWER:
            looks = {one.outcome for one in self._heard.values()}
            assert_that(Outcome.ANSWERED in looks, equal_to(False), "what is no answer is shown as one")

    def listen(self, pieces: int) -> None:
        """Two people hear so many pieces of one answer, while the provider lets the next one wait."""
        world, customer = self._world, self._customers[True]
        self._forms = [True]
        hung = world.provider.arm("hang", match={"alias": customer}, part="body", pieces=pieces)
        for _ in range(2):
            self._listeners.append(world.nodes[0].begin(customer, world.question))
            hung.await_waiting(1)
        if not self._listeners[-1].hears(_HEARD_WITHIN_S):
            raise ProbeError("the second of two who listen hears nothing, and may not have been heard yet")

    def hang_up(self) -> None:
        """One of them hangs up, and when that has had time to be noticed, the other."""
        first, second = self._listeners
        first.hang_up()
        wait_until(time.monotonic() + _NOTICED_WITHIN_S)
        self._given_up.append(self._is_given_up())
        second.hang_up()
        self._given_up.append(poll(self._is_given_up, _HEARD_WITHIN_S))

    def expect_asked_while_heard(self) -> None:
        """The provider was asked for the answer until the last of them had hung up, and not for longer."""
        too_early, at_last = self._given_up
        must(not too_early, "one of two who listened hung up, and the provider was not asked for the other any more")
        must(at_last, f"{_HEARD_WITHIN_S:g} s after nobody waits any more the provider is still being asked")

    def ask_for_new_ones(self, times: int) -> None:
        """A question with a temperature, with a low one, with the provider's own, and one that is not to be kept.

        Each in turn through the gateways, after one with the temperature was kept for whom a kept answer will do.
        """
        poems = self._world.words("poems")
        warm, cool, unsaid = (Question(poems, fields=one) for one in ({"temperature": 0.7}, {"temperature": 0.1}, {}))
        self._numbers += self._ask_in_turn(replace(warm, kept_will_do=True), 1)
        for question in (warm, cool, unsaid, self._world.new_question(no_store=True)):
            self._numbers += self._ask_in_turn(question, times)

    def ask_for_kept_ones(self, times: int) -> None:
        """A question with a temperature, for whom a kept answer will do."""
        question = Question(self._world.words("poems"), fields={"temperature": 0.7}, kept_will_do=True)
        self._kept = self._ask_in_turn(question, times)

    def expect_one_call(self) -> None:
        """They were all answered by one call."""
        assert_that(len(set(self._kept)), equal_to(1), f"calls that answered them: {self._kept}")

    def expect_calls_of_their_own(self) -> None:
        """No two were answered by one call."""
        assert_that(sorted(set(self._numbers)), equal_to(sorted(self._numbers)), "calls that answered them")

    def ask_wrong(self, what: str) -> None:
        """Asks so through each gateway, whole and in pieces."""
        question, customer = self._world.question, "" if what == "without a key" else self._world.customer
        if what != "without a key":
            question = Question([]) if what == "without messages" else Question(question.messages, "none")
        for gateway in self._world.nodes:
            self._refusals += [ask(customer, question).outcome for ask in (gateway.ask, gateway.stream)]

    def expect_refused(self, outcome: Outcome) -> None:
        """Each was told so, and nothing was paid."""
        assert_that(set(self._refusals), equal_to({outcome}), "what was told")
        assert_that(self._world.paid(), equal_to(0), "calls that the provider counted")

    def expect_asked_anew(self) -> None:
        """Whoever asks the same next is answered by a call of their own, and from then on that answer is given."""
        for in_pieces in self._forms:
            self._expect_anew(self._customers[in_pieces], in_pieces)

    def _expect_anew(self, customer: str, in_pieces: bool) -> None:
        world = self._world
        before, form = world.provider.mark(), "in pieces" if in_pieces else "whole"
        answers = [gateway.ask(customer, world.question) for gateway in (world.nodes[1], *world.nodes)]
        expect_own_each(world, [Given(customer, world.question, answer) for answer in answers])
        calls = world.provider.calls(customer, since=before)
        assert_that(len(calls), equal_to(1), f"calls of those who have asked since, after one {form}")
        numbers = {number_of(answer) for answer in answers}
        assert_that(numbers, equal_to({calls[0].seq}), f"calls that answered them, after one {form}")

    def _is_given_up(self) -> bool:
        """Whether the provider is not asked any more for the answer that people listen to."""
        return not any(call.open for call in self._world.provider.arrivals(alias=self._customers[True]))

    def _ask_in_turn(self, question: Question, times: int) -> list[int]:
        """The calls that answered it, asked through the gateways in turn."""
        world, gateways = self._world, turns(self._world.nodes)
        given = [Given(world.customer, question, next(gateways).ask(world.customer, question)) for _ in range(times)]
        expect_own_each(world, given)
        return [number_of(one.answer) for one in given]

    def _ask(self, in_pieces: bool) -> Answer:
        gateway = self._world.nodes[0]
        return (gateway.stream if in_pieces else gateway.ask)(self._customers[in_pieces], self._world.question)

    def _tell(self, what: str, customer: str) -> Any:
        """Tells the provider; returns what sees to it that it did as it was told."""
        provider, match = self._world.provider, {"alias": customer}
        if what in _SCRIPTS:
            provider.script(match, **_SCRIPTS[what])
            return lambda: provider.expect_scripted(customer)
        fault = provider.arm(match=match, **_FAULTS[what])

        def seen() -> None:
            if not fault.hits():
                raise FaultError(f"the provider was to do otherwise: its answer {what}")

        return seen
