"""Calls that are wrong in themselves, and what they must not cost."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.rate_limiting_redis.client import Customer, Resource, Verdict

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World

_ITEMS = {
    "no items": "0",
    "fewer than no items": "-1",
    "a part of an item": "1.5",
    "items that are no number": "ten",
    "digits of another script": "٣",
    "more items than the plan allows at all": "11",
    "more items than any number can say": "9" * 5000,
}
_CUSTOMERS = {
    "a plan that nobody knows": ("", "platinum"),
    "no plan": ("", ""),
    "a customer without a name": (None, "free"),
}


class Refusals:
    """What came of calls that a sentence names."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: dict[str, Verdict] = {}

    def call(self, name: str, what: str) -> None:
        """The customer `name` makes the call `what`, at both gateways."""
        world = self._world
        own = world.customers[name]
        known_as, plan = _CUSTOMERS.get(what, (own.name, own.plan))
        customer = Customer(own.name if known_as == "" else known_as or "", plan)
        for gateway in world.nodes:
            answer = gateway.call(customer, Resource.ORDERS, world.labels[name], _ITEMS.get(what, "1"))
            self._answers[gateway.name] = answer.verdict

    def expect(self, verdict: Verdict) -> None:
        """Both gateways refused it as `verdict` says."""
        assert_that(self._answers, equal_to(dict.fromkeys(self._answers, verdict)))
