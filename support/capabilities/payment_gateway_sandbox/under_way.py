"""A charge, a refund and a subscription that are under way at the provider when something happens to the nodes."""

import time
from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Card, Line, Money, Outcome
from support.capabilities.payment_gateway_sandbox.moments import CHARGING, GIVING_BACK
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_PAID, _BACK = Money(Decimal("100.00"), "USD"), Money(Decimal("60.00"), "USD")
_LOOKED_WITHIN_S = 1.4  # each node has looked for what is left by then
_ASKED_BEFORE_S = 1.0  # what a node had read before it was made older, it has asked for by then, if it is quick
_ASKED_TWICE_WITHIN_S = 4.0  # a node that is not: it asks again each second, and a busy machine doubles that


class UnderWay:
    """What the first node has asked for, and has no answer to."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._charged: Bill
        self._refunded: Bill
        self._old: Bill | None = None
        self._aged_at = self._answered_at = 0.0
        self._refused: Outcome | None = None

    def begin(self) -> None:
        """All three, which the provider has made, and tells nobody. Raises FaultError."""
        world, node = self._world, self._world.nodes[0]
        world.refunds.trust_the_platform()
        self._refunded = world.refunds.pay(_PAID)
        order = self._refunded.order.id
        world.bank.hold("hold_after", {**GIVING_BACK, "order": order}, lambda: node.refund(order, _BACK))
        world.subscriptions.leave_waiting("basic", "hold_after")
        self._charged = world.place(Decimal("19.99"), "USD")
        self._charge(self._charged)

    def grow_old(self, hours: int, other_hours: int) -> None:
        """All three were asked for so many hours ago; one more charge is under way for longer. Raises FaultError."""
        self._old = self._world.ordered(self._world.customer, [Line(1, Decimal("19.99"))], "USD")
        self._charge(self._old)
        self._world.books.age(self._old.order.id, other_hours)
        for owner in (self._charged.order.id, self._refunded.order.id, self._world.subscriptions.one.name):
            self._world.books.age(owner, hours)
        self._aged_at = time.monotonic()

    def answer_again(self) -> None:
        """The provider answers whatever it is asked; the key of the oldest charge it does not know any more."""
        wait_until(self._aged_at + _ASKED_BEFORE_S)
        if self._old:
            self._see_asked_twice(self._charged)
            asked = self._world.provider.arrivals(0, order=self._old.order.id, **CHARGING)
            for key in {str(one.fields["key"]) for one in asked}:
                self._world.provider.forget_keys(key)
        self._world.bank.answer_again()
        self._answered_at = time.monotonic()

    def ask_again(self) -> None:
        """Each is asked for again through the second node, and is answered then; all until it is known."""
        world, node = self._world, self._world.nodes[1]
        for key in ("", world.fresh("key")):
            world.pay(self._charged, node, key=key)
        self._refused = node.refund(self._refunded.order.id, _BACK).outcome
        world.subscriptions.subscribe_again(Card.GOOD)
        world.bank.go_on()
        world.pay_until_told(self._charged)
        world.subscriptions.subscribe_until_told()

    def expect_known(self, within_s: float) -> None:
        """Within `within_s` each time the books have all three. AssertionError if not."""
        self._world.expect_settled(self._charged, within_s)
        self._world.refunds.expect_refunded(_BACK, within_s, self._refunded)
        self._world.subscriptions.expect_access("basic", within_s)

    def expect_made_once(self) -> None:
        """By the provider each of them was made once, and the oldest charge too. AssertionError if not.

        A second refund was refused, for there is not so much left.
        """
        if self._refused:
            assert_that(self._refused, equal_to(Outcome.CONFLICT), "of a refund of 60.00 beside another, of 100.00")
        self._world.expect_charged_once(self._charged)
        self._world.refunds.expect_back(_BACK, self._refunded)
        self._world.subscriptions.expect_one_live()
        self._world.subscriptions.expect_charged(Decimal("30.00"))
        if self._old:
            wait_until(self._answered_at + _LOOKED_WITHIN_S)
            self._world.expect_one_charge(self._old)

    def _see_asked_twice(self, bill: "Bill") -> None:
        """Returns when a charge was asked for twice from now on, so for the second time by a look that is newer.

        By then all has been asked for that was read before. Nobody has to ask so often: there it is a while.
        """
        match = {"order": bill.order.id, **CHARGING}
        last = max(one.seq for one in self._world.provider.arrivals(0, **match))
        self._world.provider.await_arrivals(2, _ASKED_TWICE_WITHIN_S, last, **match)

    def _charge(self, bill: "Bill") -> None:
        self._world.bank.charge_without_answering(bill, self._world.nodes[0])
