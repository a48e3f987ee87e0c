"""The cache is away or full: it costs what it costs without one, and nobody waits or is refused."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than

from support.capabilities.llm_response_caching_redis.calls import expect_own
from support.polling import poll
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World


class Outage:
    """New questions, one after the other through the gateways in turn."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._took_s = [0.0]

    def ask(self, count: int) -> None:
        """`count` new questions. AssertionError unless each gets its own answer."""
        world, began = self._world, time.monotonic()
        for _, gateway in zip(range(count), turns(world.nodes), strict=False):
            question = world.new_question()
            expect_own(world, world.customer, question, gateway.ask(world.customer, question))
        self._took_s.append(time.monotonic() - began)

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
