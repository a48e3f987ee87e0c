"""Redis is away: what the gateways decide by themselves, and how they come together again."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than, less_than, less_than_or_equal_to

from support.capabilities.rate_limiting_redis.client import Resource, Verdict
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World


class Outage:
    """Calls of one customer to both parts of the API."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._took_s = 0.0

    def call(self, name: str, shown: int, orders: int) -> None:
        """The customer looks at the catalogue and orders, one call after the other, through the gateways in turn."""
        began = time.monotonic()
        self._world.customer("shopper", self._world.customers[name].plan, self._world.customers[name].name)
        self._world.call_in_turn("shopper", shown, Resource.CATALOGUE)
        self._world.call_in_turn(name, orders)
        self._name, self._took_s = name, time.monotonic() - began

    def expect_only_catalogue(self, count: int) -> None:
        """Every order was refused as unavailable; of the catalogue some were shown, at most `count`."""
        world = self._world
        verdicts = {call.answer.verdict for call in world.calls[self._name]}
        assert_that(verdicts, equal_to({Verdict.UNAVAILABLE}), "answers to orders")
        assert_that(world.arrived(self._name), equal_to(0), "orders that reached the API")
        shown = {call.answer.verdict for call in world.calls["shopper"]}
        assert_that(shown - {Verdict.ADMITTED, Verdict.LIMITED}, empty(), "other answers of the catalogue")
        assert_that(world.arrived("shopper"), greater_than(0), "looks at the catalogue that reached the API")
        assert_that(world.arrived("shopper"), less_than_or_equal_to(count), "looks at the catalogue, by the API")

    def expect_took(self, bound_s: float) -> None:
        """All calls together took less than `bound_s`: not each of them waited for Redis."""
        assert_that(self._took_s, less_than(bound_s), "seconds that all calls took")

    def expect_counted_together(self, within_s: float, asked: int, count: int) -> None:
        """Within `within_s` exactly `count` of `asked` calls of a new customer get through, not as many at each."""
        seen: list[int] = []

        def together() -> bool:
            name = self._world.fresh("customer")
            self._world.customer(name, self._world.customers[self._name].plan)
            self._world.call_at_once(name, asked)
            seen.append(self._world.arrived(name))
            return seen[-1] == count

        poll(together, within_s)
        assert_that(seen[-1], equal_to(count), f"calls that got through, of {asked}, {within_s:g} s later")
