"""Many who ask the same at the same time: one of them is let through to the provider, and the others wait for that."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, less_than_or_equal_to

from support.capabilities.llm_response_caching_redis.calls import number_of
from support.capabilities.llm_response_caching_redis.client import Answer, Outcome
from support.clients.provider_control import Arrival
from support.containers.platform import Node
from support.errors import ProbeError
from support.polling import poll
from support.probes.node import connections
from support.probes.redis import RedisProbe
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_WAIT_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.1
_RENEWED_S = 1.0  # a lease of 1.5 s is renewed three times in its life, and not while Redis is thought to be away


class Crowd:
    """All ask the world's question; the provider lets whoever reaches it wait until it is told otherwise."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._held = world.provider.arm("hold_before", times=None, match={"alias": world.customer})
        self._redis = world.opened(RedisProbe(world.fleet.stores["redis"]))
        self._in_pieces_too = True
        self._asked: dict[int, list[Future[Answer]]] = {place: [] for place in range(len(world.nodes))}

    def hold(self) -> None:
        """It does from now on."""

    def fail(self) -> None:
        """The provider has an error for whoever asks; nobody asks in pieces, for which a gateway may ask by itself."""
        self._in_pieces_too = False
        self._world.provider.arm("status", times=None, match={"alias": self._world.customer}, status=503, when="after")

    def ask(self, count: int, place: int) -> None:
        """`count` ask the gateway of that `place`, every second one in pieces; returns when all of them wait."""
        world, gateway = self._world, self._world.nodes[place]
        forms = [gateway.ask, gateway.stream] if self._in_pieces_too else [gateway.ask]
        for _, ask in zip(range(count), turns(forms), strict=False):
            self._asked[place].append(world.background.submit(ask, world.customer, world.question))
            if place == 0 and len(self._asked[place]) == 1:
                world.provider.await_arrivals(1, _WAIT_WITHIN_S, alias=world.customer)
        node = world.fleet.named(gateway.name)
        if not isinstance(node, Node) or not poll(lambda: connections(node) >= count, _WAIT_WITHIN_S, _LOOK_EVERY_S):
            raise ProbeError(f"{count} were to wait at {gateway.name}")

    def let_wait(self, time_s: float) -> None:
        """All of them wait for so long."""
        wait_until(time.monotonic() + time_s)

    def answer_after(self, wait_s: float) -> None:
        """The provider answers once it has let them wait for so long, unless somebody else reaches it meanwhile."""
        poll(lambda: len(self._calls()) > 1, wait_s)
        self._held.heal()

    def expect_one_answer(self) -> None:
        """All of them get the answer of one and the same call."""
        numbers = Counter(number_of(one.result()) for asked in self._asked.values() for one in asked)
        assert_that(len(numbers), equal_to(1), f"calls that they were answered by: {dict(numbers)}")

    def expect_told(self) -> None:
        """All of them hear that the provider failed."""
        heard = Counter(one.result().outcome for asked in self._asked.values() for one in asked)
        assert_that(dict(heard), equal_to({Outcome.FAILED: sum(heard.values())}), "what they heard")

    def expect_calls(self, most: int) -> None:
        """The provider was asked at most so often, and never twice at the same time."""
        calls = self._calls()
        assert_that(len(calls), less_than_or_equal_to(most), "calls that the provider counted")
        assert_that(_most_at_once(calls), equal_to(1), "of these, open at the same time")

    def expect_taken_over(self, place: int, within_s: float) -> None:
        """Those who wait at the gateway of that `place` get an answer, after one more call that begins in time."""
        taken_over = self._world.provider.await_arrivals(2, within_s, alias=self._world.customer)
        assert_that(len(taken_over), equal_to(2), f"calls that the provider counted within {within_s:g} s")
        second = taken_over[1].seq
        if not poll(lambda: second in {call.seq for call in self._held.waiting()}, _WAIT_WITHIN_S):
            raise ProbeError("the provider does not hold the second call")
        self._held.release(second)  # the first one's answer is late
        numbers = {number_of(one.result()) for one in self._asked[place]}
        assert_that(numbers, equal_to({second}), "calls that those who waited were answered by")
        assert_that(len(self._calls()), equal_to(2), "calls that the provider counted in all")

    def expect_late_not_given(self, place: int) -> None:
        """The gateway of that `place` goes on, and the answer that it gets so late is given to nobody who asks then.

        It gets that when it has reached Redis again, and might have renewed what is no longer its own.
        """
        world, gateway = self._world, self._world.nodes[place]
        began, lives = time.monotonic(), self._redis.lifetimes()
        world.faults.mend(gateway.name)
        if not poll(lambda: gateway.forget_document(world.customer, world.fresh("document")), _WAIT_WITHIN_S):
            raise ProbeError(f"{gateway.name} went on, and does not reach Redis")
        wait_until(time.monotonic() + _RENEWED_S)
        left, passed_s = self._redis.lifetimes(), time.monotonic() - began
        self._held.heal()
        late = {number_of(one.result()) for one in self._asked[place]}
        numbers = {number_of(gateway.ask(world.customer, world.question)) for gateway in world.nodes}
        assert_that(late & numbers, empty(), "late answers that took the place of what others were given")
        lost_s = {key: life - left.get(key, 0.0) for key, life in lives.items()}
        cut = {key: lost for key, lost in lost_s.items() if lost > passed_s}
        assert_that(cut, empty(), f"keys whose life is shorter by more than the {passed_s:.1f} s that have passed")

    def _calls(self) -> list[Arrival]:
        """Those that a client made of itself: what its SDK tries again is not counted."""
        found = self._world.provider.arrivals(alias=self._world.customer)
        return [call for call in found if not call.fields["retry"]]


def _most_at_once(calls: Sequence[Arrival]) -> int:
    return max(sum(one.arrived <= call.arrived < (one.ended or float("inf")) for one in calls) for call in calls)
