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


class Outage:
    """New questions, one after the other through the gateways in turn."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._took_s = [0.0]
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
        """`count` new questions. AssertionError unless each gets its own answer."""
        if self._held:
            self._held.heal()
        began = time.monotonic()
        given = [self._ask(gateway) for _, gateway in zip(range(count), turns(self._world.nodes), strict=False)]
        self._took_s.append(time.monotonic() - began)
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
        """The last ones took at most so much longer than those before."""
        before, now = self._took_s[-2:]
        assert_that(now, less_than(before + by_s), f"seconds that they took; {before:.2f} s before")

    def expect_paid_once_again(self, within_s: float) -> None:
        """Within so long a new question that both gateways are asked is paid for once."""

        def paid() -> int:
            customer, question = self._world.fresh("customer"), self._world.new_question()
            for gateway in self._world.nodes:
                expect_own(self._world, customer, question, gateway.ask(customer, question))
            return self._world.paid(customer)

        poll(lambda: paid() == 1, within_s)
        assert_that(paid(), equal_to(1), f"calls for a question that was asked twice, {within_s:g} s later")

    def _ask(self, gateway: Adapter) -> Given:
        customer, question = self._world.customer, self._world.new_question()
        return Given(customer, question, gateway.ask(customer, question))
