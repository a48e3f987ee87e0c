"""Calls that are wrong in themselves, and what they must not cost."""

from itertools import product
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.capabilities.rate_limiting_redis.calls import LIMITS
from support.capabilities.rate_limiting_redis.client import Customer, Resource, Verdict

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World

_ITEMS = {
    "no items": ("0", "00", "-0", "+0", ""),
    "fewer than no items": ("-1", "-10", "--1"),
    "a part of an item": ("1.5", "1.0", ".5", "1e0", "1/2", "1,5"),
    "items that are no number": (
        "ten",
        "1_0",
        "+7",
        " 7",
        "7 ",
        "7\n",
        "0x5",
        "0b1",
        "1 2",
        "1;2",
        "NaN",
        "true",
        "null",
    ),
    "digits of another script": ("٣", "５", "१", "²", "1٠", "Ⅷ", "½"),
    "more items than the plan allows at all": ("11", "12", "20", "51", "1000", "999999"),
    "more items than any number can say": ("9" * 5000, "1" + "0" * 400, f"{2**64 + 1}", f"{2**63}", f"{2**32 + 1}"),
}
SENSELESS_ITEMS = [items for kind in _ITEMS if "plan" not in kind for items in _ITEMS[kind]]  # on every plan
UNKNOWN_PLANS = [
    "platinum", "professional", "freelancer", "teams", "pro-yearly", "fre", "p", "PRO", "Free", " pro", "pro ", "pro\n",
    "free=10", "free,pro", "10", "*",
]  # fmt: skip
_SHOWN = 4  # of many answers that are wrong in the same way
_PLANS = {"a plan that nobody knows": UNKNOWN_PLANS, "no plan": [""]}


class Refusals:
    """What came of calls that a sentence names."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[tuple[str, str, Customer, Verdict]] = []

    def call(self, name: str, what: str) -> None:
        """The customer `name` makes the call `what`, spelt in every way, through every gateway and for everything."""
        world, own = self._world, self._world.customers[name]
        customers = [Customer(own.name, plan) for plan in _PLANS.get(what, [own.plan])]
        if what == "a customer without a name":
            customers = [Customer("", plan) for plan in LIMITS]
        ways = product(world.nodes, customers, _ITEMS.get(what, ("1",)), Resource)
        for gateway, customer, items, resource in ways:
            answer = gateway.call(customer, resource, world.labels[name], items)
            self._answers.append((gateway.name, items[:20], customer, answer.verdict))

    def expect(self, verdict: Verdict) -> None:
        """All of these were refused as `verdict` says."""
        others = [one for one in self._answers if one[-1] is not verdict]
        told = f"{len(others)} of {len(self._answers)} answers; the first that were not {verdict.name}"
        assert_that(others[:_SHOWN], empty(), told)
