"""Keys of customers that look alike, each of which stands for one payment of one customer."""

import string
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Line, Outcome
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_LONGEST = 255  # what the provider takes, and so everybody knows to keep to
_PRICE = [Line(1, Decimal("19.99"))]


class Keys:
    """Names that are alike in one way each, drawn anew each time, and the payments that were made by them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._bills: dict[str, Bill] = {}

    def pay_by_each(self) -> None:
        """An order for each key, of one customer. Every second one was paid without a key before, which it joins."""
        keys = _alike(self._draw)
        self._bills = {key: self._world.place_lines(_PRICE, "USD") for key in keys}
        for_each(list(enumerate(keys)), lambda one: self._pay(*one), at_once=4)

    def expect_one_payment_each(self) -> None:
        """Each was told that it is paid, and each order was charged once. AssertionError if not."""
        for key, bill in self._bills.items():
            told = [answer.outcome for answer in bill.told]
            assert_that(told, equal_to([Outcome.DONE] * len(told)), f"of the key {key!r} ({self._draw}): {bill}")
            self._world.expect_one_charge(bill)

    def expect_known(self) -> None:
        """At the other node each key is known, and pays for no other order. AssertionError if not."""
        for_each(list(enumerate(self._bills)), lambda one: self._expect_known(*one), at_once=4)

    def expect_free_for_others(self) -> None:
        """Another customer pays by the same keys. AssertionError if they cannot."""
        stranger, node = self._world.fresh("customer"), self._world.nodes[0]
        for key in list(self._bills)[:2]:
            bill = self._world.ordered(stranger, _PRICE, "USD")
            outcome = self._world.pay(bill, node, key=key).outcome
            assert_that(outcome, equal_to(Outcome.DONE), f"of another customer's key {key!r} ({self._draw})")

    def _pay(self, number: int, key: str) -> None:
        node = self._world.nodes[number % 2]
        if number % 2:
            self._world.pay(self._bills[key], node)
        self._world.pay(self._bills[key], node, key=key)

    def _expect_known(self, number: int, key: str) -> None:
        node, bill = self._world.nodes[(number + 1) % 2], self._bills[key]
        self._world.pay(bill, node, key=key)
        self._world.expect_same_receipt(bill)
        other = self._world.ordered(self._world.customer, _PRICE, "USD")
        outcome = self._world.pay(other, node, key=key).outcome
        assert_that(outcome, equal_to(Outcome.CONFLICT), f"of another order by the key {key!r} ({self._draw})")


def _alike(draw: Random) -> list[str]:
    """Keys, each of which is like the first one, or like the long one, but for one thing."""
    one = "".join(draw.choices(string.ascii_letters + string.digits, k=30)) + "-aZ0"
    place = draw.randrange(1, len(one) - 1)
    long = "".join(draw.choices(string.ascii_letters, k=_LONGEST - 1))
    return [
        one,
        one.swapcase(),
        one[:-1],
        f"{one}0",
        f"{one[:place]} {one[place:]}",
        one.replace("-", "_"),
        f"{long}a",
        f"{long}b",
        f"{draw.choice('%*')}{one}",
        str(draw.randrange(10**9, 10**10)),
    ]
