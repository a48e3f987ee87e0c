"""What is kept in Redis for one answer, key by key: whatever of it is lost or spoilt, people get the right answer."""

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

from hamcrest import assert_that, less_than_or_equal_to

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own, expect_own_each
from support.capabilities.llm_response_caching_redis.client import Question
from support.capabilities.llm_response_caching_redis.pairs import EMBEDDER
from support.clients.model_provider_control import Near
from support.errors import ProbeError
from support.probes.redis import RedisProbe, client_of

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_OLDER = json.dumps({"release": 1, "answer": "something"})  # as another release may have kept it
_MOST_KEYS = 12  # of one answer; more would take too long to be gone through one by one


class Kept:
    """One customer after the other asks, and one key after the other is spoilt."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(RedisProbe(world.fleet.stores["redis"]))
        self._asked = time.monotonic()
        self._given: list[Given] = []
        self._client = world.opened(client_of(world.fleet.stores["redis"]))

    def spoil_each(self, how: str) -> None:
        """For each key that an answer has in Redis: a new answer is made, and that key of it `how`.

        Then the same is asked, in these words and in others, and in others and in these, through both gateways.
        Redis begins empty, so that what comes with an answer is soon found.
        """
        self._world.fleet.stores["redis"].empty()
        for number in range(self._keys_of_one()):
            for order in (1, -1):
                self._spoil(how, number, order)

    def expect_right(self) -> None:
        """Each got an answer to what was asked, in these or other words, and no wording was paid for twice more."""
        expect_own_each(self._world, self._given)
        self._world.expect_young(self._asked)
        calls = Counter(call.fields["alias"] for call in self._world.provider.calls())
        most = max(calls[one.customer] for one in self._given)
        assert_that(most, less_than_or_equal_to(3), "calls of one customer")

    def _keys_of_one(self) -> int:
        """How many keys an answer has."""
        count = len(self._make()[2])
        if not 0 < count <= _MOST_KEYS:
            raise ProbeError(f"an answer has {count} keys in Redis, and is to have 1 to {_MOST_KEYS}")
        return count

    def _make(self) -> tuple[str, Question, list[str]]:
        """A customer, the question, and the keys that came with its answer."""
        world = self._world
        customer, question = world.fresh("customer"), world.new_question()
        before = set(self._redis.keys())
        expect_own(world, customer, question, world.nodes[0].ask(customer, question))
        return customer, question, sorted(set(self._redis.keys()) - before)

    def _spoil(self, how: str, number: int, order: int) -> None:
        world = self._world
        customer, question, keys = self._make()
        key = keys[number % len(keys)]
        other = Question([{"role": "user", "content": f"{question.text.rstrip('?')}, please?"}])
        world.provider.pin([Near(EMBEDDER, other.text, question.text, 0.99)])
        self._change(key, how)
        for asked, alike in ((other, question), (question, other))[::order]:
            for gateway in world.nodes:
                self._given.append(Given(customer, asked, gateway.ask(customer, asked), [alike]))

    def _change(self, key: str, how: str) -> None:
        """Does it; a key that is no text is dropped in any case."""
        text = str(self._client.get(key)) if self._client.type(key) == "string" else ""
        left_ms = max(1, int(self._client.pttl(key)))
        if how == "is lost" or not text:
            self._client.delete(key)
        elif how == "is cut in half":
            self._client.set(key, text[: len(text) // 2], px=left_ms)
        elif how == "is of an older release":
            self._client.set(key, _OLDER, px=left_ms)
        else:
            self._client.delete(key)
            self._client.hset(key, "a", "b")
            self._client.pexpire(key, left_ms)
