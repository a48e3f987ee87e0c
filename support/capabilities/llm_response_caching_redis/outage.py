"""The cache is away or full: it costs what it costs without one, and nobody waits or is refused."""

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own, expect_own_each
from support.capabilities.llm_response_caching_redis.client import Adapter, Answer, Question
from support.clients.provider_control import ArmedFault
from support.polling import poll
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_EVERY_S = 0.5
_MORE_S = 0.25  # less than a gateway waits for Redis


class Outage:
    """New questions, one after the other through the gateways in turn."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._took_s = 0.0
        self._bare_s: list[list[float]] = []  # what those took that need no Redis, each time that some were asked
        self._early = world.fresh("customer")
        self._under_way: list[tuple[Question, Future[Answer]]] = []
        self._held: ArmedFault | None = None

    def begin(self, count: int) -> None:
        """`count` others ask, whole and in pieces; the provider lets them wait until there are more questions."""
        world = self._world
        self._held = world.provider.arm("hold_after", times=count, match={"alias": self._early})
        forms = turns([form for gateway in world.nodes for form in (gateway.ask, gateway.stream)])
        for _, ask in zip(range(count), forms, strict=False):
            question = world.new_question()
            self._under_way.append((question, world.background.submit(ask, self._early, question)))
        self._held.await_waiting(count)

    def ask(self, count: int) -> None:
        """`count` new questions, and beside each another one that needs no Redis, for it is not to be kept.

        AssertionError unless each gets its own answer.
        """
        if self._held:
            self._held.heal()
        given, bare_s, self._took_s = [], [], 0.0
        for _, gateway in zip(range(count), turns(self._world.nodes), strict=False):
            began = time.monotonic()
            given.append(self._ask(gateway))
            answered = time.monotonic()
            given.append(self._ask(gateway, no_store=True))
            self._took_s += answered - began
            bare_s.append(time.monotonic() - answered)
        self._bare_s.append(bare_s)
        expect_own_each(self._world, given)

    def ask_for(self, time_s: float) -> None:
        """New questions now and then for so long. AssertionError unless each gets its own answer."""
        began, given = time.monotonic(), []
        for number, gateway in zip(range(round(time_s / _EVERY_S)), turns(self._world.nodes), strict=False):
            wait_until(began + number * _EVERY_S)
            given.append(self._ask(gateway))
        expect_own_each(self._world, given)
        wait_until(began + time_s)

    def expect_under_way_answered(self) -> None:
        """Those who had asked before the outage got their answers."""
        given = [Given(self._early, question, answer.result()) for question, answer in self._under_way]
        expect_own_each(self._world, given)

    def expect_no_slower(self, by_s: float) -> None:
        """They took at most so much longer than those beside them that need no Redis, which took what they had before.

        On a machine that gets busier all do; half of these may stumble over that.
        """
        before, now = (sorted(each)[len(each) // 2] for each in self._bare_s[-2:])
        assert_that(now, less_than(before + _MORE_S), f"seconds of one that needs no Redis; {before:.2f} s before")
        bare_s = sum(self._bare_s[-1])
        assert_that(self._took_s, less_than(bare_s + by_s), f"seconds that they took; {bare_s:.2f} s without Redis")

    def expect_paid_once_again(self, within_s: float) -> None:
        """Within so long a new question that both gateways are asked is paid for once."""

        def paid() -> int:
            customer, question = self._world.fresh("customer"), self._world.new_question()
            for gateway in self._world.nodes:
                expect_own(self._world, customer, question, gateway.ask(customer, question))
            return self._world.paid(customer)

        poll(lambda: paid() == 1, within_s)
        assert_that(paid(), equal_to(1), f"calls for a question that was asked twice, {within_s:g} s later")

    def _ask(self, gateway: Adapter, no_store: bool = False) -> Given:
        customer, question = self._world.customer, self._world.new_question(no_store=no_store)
        return Given(customer, question, gateway.ask(customer, question))
