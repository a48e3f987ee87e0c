"""Refunds in parts of amounts that nobody has chosen, held against what is left by the suite's own count."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Money, Outcome
from support.polling import poll
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_STEPS = {"KWD": 10}  # the last of three decimals is 0, as card networks have it
_HEARD_WITHIN_S = 5.0


@dataclass
class _Count:
    """Of an order, in the smallest unit: what it cost, what is left, and what was given back last."""

    bill: "Bill"
    cost: int
    left: int
    last: int = 0

    @property
    def step(self) -> int:
        """The smallest amount that there is."""
        return _STEPS.get(self.bill.order.cost.currency, 1)


class Parts:
    """Orders, each of which is given back in parts."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._counts: list[_Count] = []

    def give_back(self) -> None:
        """Of each order, one after the other: parts, the same twice, on the provider's page, too much, and the rest.

        AssertionError for a refund that is told otherwise than it should be.
        """
        bills = self._world.bills
        self._counts = [_Count(bill, bill.order.cost.minor, bill.order.cost.minor) for bill in bills]
        draws = [self._draw.apart(number) for number in range(len(bills))]
        for_each(list(zip(self._counts, draws, strict=True)), lambda one: self._give_back(*one), at_once=4)

    def expect_all_back(self) -> None:
        """By the provider, all that was paid has gone back, and no more. AssertionError if not."""
        for count in self._counts:
            self._world.refunds.expect_back(count.bill.order.cost, count.bill)

    def _give_back(self, count: _Count, draw: Random) -> None:
        def some() -> int:
            return count.step * draw.randint(1, count.left // count.step // 4)

        ways: list[Callable[[], None]] = [
            lambda: self._ask(count, some()),
            lambda: self._ask(count, count.last),
            lambda: self._give_back_on_the_page(count, some()),
        ]
        draw.shuffle(ways)
        self._ask(count, some())
        for way in ways:
            way()
            self._ask(count, count.left + count.step)
            self._ask(count, count.cost)
        self._ask(count, count.left)
        self._ask(count, count.step)

    def _ask(self, count: _Count, amount: int) -> None:
        """An operator asks for so much, which is given back if it is left."""
        order, node = count.bill.order, self._world.nodes[amount // count.step % 2]
        wanted = Outcome.DONE if 0 < amount <= count.left else Outcome.CONFLICT
        answer = node.refund(order.id, Money.of(amount, order.cost.currency))
        said = f"of {amount} when {count.left} of {count.cost} were left ({self._draw}): {answer}"
        assert_that(answer.outcome, equal_to(wanted), said)
        if wanted is Outcome.DONE:
            count.left, count.last = count.left - amount, amount

    def _give_back_on_the_page(self, count: _Count, amount: int) -> None:
        """Support gives so much back at the provider, and the platform hears of it. AssertionError if it does not."""
        order, books = count.bill.order, self._world.books
        self._world.provider.act(payment_intent=self._world.bank.intent_of(count.bill), refund=amount)
        count.left -= amount
        key, wanted = ("refund", order.cost.currency), count.left - count.cost
        poll(lambda: books.moved(order.id)[key] == wanted, _HEARD_WITHIN_S)
        said = f"given back, by the platform's books ({self._draw})"
        assert_that(books.moved(order.id)[key], equal_to(wanted), said)
