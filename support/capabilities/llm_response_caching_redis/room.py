"""Redis has no more room: it drops what was used least, and what many ask for stays."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, empty, greater_than_or_equal_to, has_length, less_than_or_equal_to

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own_each, number_of
from support.capabilities.llm_response_caching_redis.client import Adapter, Answer, Question
from support.capabilities.llm_response_caching_redis.pairs import EMBEDDER, SAME
from support.clients.model_provider_control import Near
from support.errors import ProbeError
from support.polling import poll
from support.probes.redis import client_of
from support.worlds.crowds import for_each
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_POLICIES = {"least lately": "allkeys-lru", "least often": "allkeys-lfu"}
# Of redis.conf: it looks at enough keys to find the one that was used least, and counts each use (not its logarithm),
# of which it forgets none with time.
_EXACT: Mapping[str, Any] = {"maxmemory-samples": 64, "lfu-log-factor": 0, "lfu-decay-time": 0}
_USUAL: Mapping[str, Any] = {
    "maxmemory": 0,
    "maxmemory-policy": "noeviction",
    "maxmemory-samples": 5,
    "lfu-log-factor": 10,
    "lfu-decay-time": 1,
}
_POLITE = SAME["please at the end"]
_BY_THE_SECOND = "allkeys-lru"  # it knows the moment of a use to the second
_TURNS_WITHIN_S = 5.0
_WORDS = 6400  # of an answer, 32 KB; whole and in pieces it is kept in twice as much
_SPARE = 512 * 1024  # bytes, for what is on the way of so many at once
_ROOM = 4 * 1024 * 1024  # more than what all that are asked for then take
_DROPPED = 10  # keys, at the least, or there was room
_AT_ONCE = 4


class Room:
    """Questions of one customer with long answers: some that are asked once, and some again and again."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(client_of(world.fleet.stores["redis"]))
        self._customer = world.fresh("customer")
        self._policy = ""
        self._made = 0.0
        self._dropped = 0
        self._often: list[Question] = []
        self._once: list[Question] = []
        self._calls: dict[str, int] = {}

    def drop(self, least: str) -> None:
        """From now on Redis drops what was used `least` lately or often, once it has no room.

        It begins empty: what ended in it meanwhile would make room, and was counted in another way.
        """
        self._world.fleet.stores["redis"].empty()
        self._world.closing.callback(self._set, _USUAL)
        self._policy = _POLICIES[least]
        self._set({**_EXACT, "maxmemory-policy": self._policy})
        self._world.provider.script({"alias": self._customer}, times=None, words=_WORDS)

    def ask(self, once: int, often: int) -> None:
        """So many questions are asked once through the first gateway; before them and again after them, the others."""
        self._made = time.monotonic()
        self._often, self._once = self._new(often), self._new(once)
        self._ask(self._often * 2)
        self._await_next_second()
        self._ask(self._once)
        self._await_next_second()
        self._ask(self._often * 2)

    def fill(self) -> None:
        """Redis gets no more room than for what it has."""
        self._give_room(_SPARE)

    def ask_more(self, count: int) -> None:
        """So many more are asked, for which there is no room. ProbeError when there was."""
        self._ask(self._new(count))
        self._expect_dropped(_DROPPED)

    def expect_often_kept(self, least: int) -> None:
        """At least so many of those that were asked again and again are still given, through the second gateway."""
        before = dict(self._calls)
        self._ask(self._often, place=1)
        kept = [one for one in self._often if self._calls[one.text] == before[one.text]]
        if len(kept) < least:
            self._world.expect_young(self._made)
        assert_that(kept, has_length(greater_than_or_equal_to(least)), "questions that were not paid for again")

    def expect_others_right(self) -> None:
        """The others, in other words, are answered for themselves, and were paid for at the most once more each."""
        world, others = self._world, {one.text: _POLITE(one.text) for one in self._once}
        world.provider.pin(Near(EMBEDDER, other, text, 0.99) for text, other in others.items())
        gateways = turns(world.nodes)
        pairs = [(next(gateways), question, others[question.text]) for question in self._once]
        given: list[Given] = []
        for_each(pairs, lambda pair: given.append(self._ask_otherwise(*pair)), _AT_ONCE)
        expect_own_each(world, given)
        paid = Counter(call.fields["question"] for call in world.provider.calls(self._customer))
        most = max(paid[text] + paid[other] for text, other in others.items())
        assert_that(most, less_than_or_equal_to(2), "calls for one question, in whatever words")

    def expect_new_kept(self, count: int, has_room: bool) -> None:
        """`count` new questions that both gateways are asked are paid for once: Redis has no room, or has room again.

        Afterwards it has none.
        """
        self._give_room(_ROOM if has_room else 0)
        numbers = {new.text: {number_of(one) for one in self._of_both(new)} for new in self._new(count)}
        lost = [text for text, calls in numbers.items() if len(calls) > 1]
        assert_that(lost, empty(), "new questions that were paid for twice")
        if not has_room:
            self._expect_dropped(1)
        self._give_room(_SPARE)

    def _await_next_second(self) -> None:
        """What is used from now on was used later than all before, by Redis's own clock."""
        if self._policy != _BY_THE_SECOND:
            return
        second = self._redis.info("server")["lru_clock"]
        if not poll(lambda: self._redis.info("server")["lru_clock"] != second, _TURNS_WITHIN_S, every_s=0.02):
            raise ProbeError(f"the clock of Redis did not move within {_TURNS_WITHIN_S:g} s")

    def _of_both(self, question: Question) -> list[Answer]:
        return [gateway.ask(self._customer, question) for gateway in self._world.nodes]

    def _give_room(self, more: int) -> None:
        """For what it has, and so many bytes more."""
        told = self._redis.info()
        self._dropped = told["evicted_keys"]
        self._set({"maxmemory": told["used_memory"] + more})

    def _expect_dropped(self, least: int) -> None:
        """ProbeError unless Redis has dropped so many keys since it was given that room."""
        dropped = self._redis.info("stats")["evicted_keys"] - self._dropped
        if dropped < least:
            raise ProbeError(f"Redis was to have no room, and dropped only {dropped} keys")

    def _new(self, count: int) -> list[Question]:
        return [self._world.new_question() for _ in range(count)]

    def _ask(self, questions: Sequence[Question], place: int = 0) -> None:
        given: list[Given] = []
        for_each(questions, lambda question: given.append(self._ask_one(question, place)), _AT_ONCE)
        expect_own_each(self._world, given)

    def _ask_one(self, question: Question, place: int) -> Given:
        answer = self._world.nodes[place].ask(self._customer, question)
        self._calls[question.text] = number_of(answer)
        return Given(self._customer, question, answer)

    def _ask_otherwise(self, gateway: Adapter, question: Question, words: str) -> Given:
        other = Question([{"role": "user", "content": words}])
        return Given(self._customer, other, gateway.ask(self._customer, other), [question])

    def _set(self, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            self._redis.config_set(name, value)
