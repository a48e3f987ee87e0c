"""How long an answer is given: from when it was made, however often it is asked for."""

import time
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty, equal_to

from support.capabilities.llm_response_caching_redis.calls import expect_own, number_of
from support.capabilities.llm_response_caching_redis.client import Adapter, Question
from support.capabilities.llm_response_caching_redis.embedders import RENEWED
from support.capabilities.llm_response_caching_redis.pairs import in_other_words
from support.clients.model_provider_control import Near
from support.errors import ProbeError
from support.probes.redis import RedisProbe
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_LIVES_S = 4.0  # an answer at the renewed gateways
_OTHERS = 12  # of which the last is asked for late in the answer's life


class Asked(NamedTuple):
    """One question: whether in the first words, when it was sent and answered (monotonic s), and by which call."""

    same: bool
    sent: float
    answered: float
    call: int


class Lifetime:
    """One answer, from when it was made on, at the gateways where that is not long."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(RedisProbe(world.fleet.stores["redis"]))
        self._patient = world.fresh("patient")
        self._first = 0  # the call that it came from
        self._made_at = (0.0, 0.0)  # between these moments
        self._others = in_other_words(world.question.text)[:_OTHERS]
        self._asked: list[Asked] = []

    def make(self, slow_s: float) -> None:
        """The customer asks for it; another one asks, too, whom the provider answers after `slow_s`."""
        world, question = self._world, self._world.question
        self._slow = world.background.submit(self._make_slowly, slow_s)
        world.provider.pin(Near(RENEWED, other, question.text, 0.99) for other in self._others)
        began = time.monotonic()
        answer = world.renewed[0].ask(world.customer, question)
        self._made_at, self._first = (began, time.monotonic()), number_of(answer)
        expect_own(world, world.customer, question, answer)

    def _make_slowly(self, slow_s: float) -> tuple[float, int]:
        """When it was made, at the earliest, and by which call."""
        self._world.provider.arm("slow", match={"alias": self._patient}, ms=round(slow_s * 1000))
        began = time.monotonic()
        return began + slow_s, self._ask_patiently()

    def _ask_patiently(self) -> int:
        return number_of(self._world.renewed[0].ask(self._patient, self._world.question))

    def expect_slow_kept(self, until_s: float) -> None:
        """The other one's answer is still given `until_s` after it was made, though nobody has asked meanwhile."""
        made_at, call = self._slow.result()
        wait_until(made_at + until_s)
        again = self._ask_patiently()
        if again != call and time.monotonic() > made_at + _LIVES_S:
            raise ProbeError("it was asked for too late")
        assert_that(again, equal_to(call), f"the call that gave the answer {until_s:g} s after it was made")

    def ask_steadily(self, every_s: float, for_s: float) -> None:
        """It is asked for all the time, in the same words and in others, through the gateways in turn.

        Once `for_s` are over, in these words and in all of the others.
        """
        began, ends = self._made_at[1], self._made_at[1] + for_s
        gateways, others = turns(self._world.renewed), turns(self._others)
        for number in count():
            wait_until(min(began + number * every_s, ends))
            if time.monotonic() >= ends:
                break
            self._ask(next(gateways), next(others))
        self._ask(next(gateways), *self._others)

    def expect_kept_between(self, until_s: float, from_s: float) -> None:
        """Until `until_s` it was given to who asked in the same words, from `from_s` on to nobody, and paid for twice.

        What others were answered was paid for, too, and nothing else was.
        """
        first, (began, ended) = self._first, self._made_at
        late = [one.sent - ended for one in self._asked if one.sent > ended + from_s and one.call == first]
        assert_that(late, empty(), "seconds after it was made at which it was still given")
        same = [one for one in self._asked if one.same]
        early = [one.answered - began for one in same if one.answered < began + until_s and one.call != first]
        assert_that(early, empty(), "seconds after it was made at which it was not given any more")
        if not any(one.sent > ended + from_s for one in self._asked):
            raise ProbeError("nobody asked after the end of its life")
        assert_that(len({one.call for one in same}), equal_to(2), "calls for those who asked in the same words")
        assert_that(self._world.paid(), equal_to(len({one.call for one in self._asked})), "calls in all")

    def _ask(self, gateway: Adapter, *others: str) -> None:
        """Asks in the same words, and then in `others`."""
        same = self._world.question
        for question in (same, *(Question([{"role": "user", "content": other}]) for other in others)):
            sent = time.monotonic()
            call = number_of(gateway.ask(self._world.customer, question))
            self._asked.append(Asked(question is same, sent, time.monotonic(), call))

    def expect_ends(self, within_s: float) -> None:
        """All that is in Redis ends by itself."""
        endless = {key: left for key, left in self._redis.lifetimes().items() if not 0 <= left <= within_s}
        assert_that(endless, empty(), "keys in Redis that do not end in time")
