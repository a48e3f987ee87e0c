"""Redis has no more room: it drops what was used least, and what many ask for stays."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, greater_than_or_equal_to, has_length, less_than_or_equal_to

from support.capabilities.llm_response_caching_redis.calls import expect_own, number_of
from support.capabilities.llm_response_caching_redis.client import Adapter, Answer, Question
from support.capabilities.llm_response_caching_redis.pairs import EMBEDDER, SAME
from support.clients.model_provider_control import Near
from support.errors import ProbeError
from support.probes.redis import client_of
from support.worlds.crowds import for_each
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_POLICIES = {"least lately": "allkeys-lru", "least often": "allkeys-lfu"}
# Of redis.conf: it looks at enough keys to find the one that was used least, and counts each use (not its logarithm).
_EXACT: Mapping[str, Any] = {"maxmemory-samples": 64, "lfu-log-factor": 0}
_USUAL: Mapping[str, Any] = {
    "maxmemory": 0,
    "maxmemory-policy": "noeviction",
    "maxmemory-samples": 5,
    "lfu-log-factor": 10,
}
_POLITE = SAME["please at the end"]
_CLOCK_S = {"allkeys-lru": 1.2, "allkeys-lfu": 0.0}  # it knows the moment of a use to the second, and how often exactly
_WORDS = 6400  # of an answer, 32 KB
_SPARE = 512 * 1024  # bytes, for what is on the way
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
        """From now on Redis drops what was used `least` lately or often, once it has no room."""
        self._world.closing.callback(self._set, _USUAL)
        self._policy = _POLICIES[least]
        self._set({**_EXACT, "maxmemory-policy": self._policy})
        self._world.provider.script({"alias": self._customer}, times=None, words=_WORDS)

    def ask(self, once: int, often: int) -> None:
        """So many questions are asked once through the first gateway; before them and again after them, the others."""
        self._made = time.monotonic()
        self._often, self._once = self._new(often), self._new(once)
        self._ask(self._often * 2)
        self._ask(self._once)
        wait_until(time.monotonic() + _CLOCK_S[self._policy])
        self._ask(self._often * 3)

    def fill(self) -> None:
        """Redis gets no more room than for what it has."""
        told = self._redis.info()
        self._dropped = told["evicted_keys"]
        self._set({"maxmemory": told["used_memory"] + _SPARE})

    def ask_more(self, count: int) -> None:
        """So many more are asked, for which there is no room. ProbeError when there was."""
        self._ask(self._new(count))
        dropped = self._redis.info("stats")["evicted_keys"] - self._dropped
        if dropped < _DROPPED:
            raise ProbeError(f"Redis was to have no room, and dropped only {dropped} keys")

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
        for_each(pairs, lambda pair: self._ask_otherwise(*pair), _AT_ONCE)
        paid = Counter(call.fields["question"] for call in world.provider.calls(self._customer))
        most = max(paid[text] + paid[other] for text, other in others.items())
        assert_that(most, less_than_or_equal_to(2), "calls for one question, in whatever words")

    def expect_new_kept(self, count: int, least: int) -> None:
        """Of `count` new questions that both gateways are asked at least `least` are paid for once.

        Not all, for what is new has been used least, and may be what goes next.
        """
        kept = [new for new in self._new(count) if len({number_of(one) for one in self._of_both(new)}) == 1]
        assert_that(
            kept, has_length(greater_than_or_equal_to(least)), "questions that were asked twice and paid for once"
        )

    def _of_both(self, question: Question) -> list[Answer]:
        return [gateway.ask(self._customer, question) for gateway in self._world.nodes]

    def _new(self, count: int) -> list[Question]:
        return [self._world.new_question() for _ in range(count)]

    def _ask(self, questions: Sequence[Question], place: int = 0) -> None:
        for_each(questions, lambda question: self._ask_one(question, place), _AT_ONCE)

    def _ask_one(self, question: Question, place: int) -> None:
        answer = self._world.nodes[place].ask(self._customer, question)
        expect_own(self._world, self._customer, question, answer)
        self._calls[question.text] = number_of(answer)

    def _ask_otherwise(self, gateway: Adapter, question: Question, words: str) -> None:
        other = Question([{"role": "user", "content": words}])
        expect_own(self._world, self._customer, other, gateway.ask(self._customer, other), question)

    def _set(self, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            self._redis.config_set(name, value)
