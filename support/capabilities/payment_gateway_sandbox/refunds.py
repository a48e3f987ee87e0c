"""Refunds: in parts, at once, such that come to nothing, and of what is disputed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Answer, Money, Outcome
from support.capabilities.payment_gateway_sandbox.moments import GIVING_BACK
from support.errors import ProbeError
from support.polling import poll
from support.worlds.crowds import threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_PRICE, ON_THE_PAGE = Money(Decimal("19.99"), "USD"), Money(Decimal("5.00"), "USD")
_HEARD_WITHIN_S = 5.0
_ENDS_OF_DISPUTES = ("won", "lost")


class Refunds:
    """Refunds of the scenario's orders, and what operators were told."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.told: list[Answer] = []
        self._came_to_nothing: list[Bill] = []

    def pay(self, money: Money) -> "Bill":
        """An order of so much that is paid. AssertionError when it is not."""
        bill = self._world.place(*money)
        self._world.expect_told_after_paying(bill)
        return bill

    def trust_the_platform(self) -> None:
        """The provider gives back whatever it is asked to, more than was paid included."""
        self._world.provider.settings(over_refunds="accept")

    def race(self, money: Money) -> None:
        """A refund through each node at the same time, of the same order."""
        nodes, order = self._world.nodes, self._world.bill.order.id
        with threads(len(nodes)) as pool:
            self.told = list(pool.map(lambda node: node.refund(order, money), nodes))

    def expect_told(self, *outcomes: Outcome) -> None:
        """The operators were told these, in whichever order. AssertionError if not."""
        told = sorted(answer.outcome.name for answer in self.told)
        assert_that(told, equal_to(sorted(outcome.name for outcome in outcomes)), "what the operators were told")

    def expect_told_in_order(self, *outcomes: Outcome) -> None:
        """The operator was told these, one after the other. AssertionError if not."""
        assert_that([answer.outcome for answer in self.told], equal_to(list(outcomes)), "what the operator was told")

    def let_pend(self, money: Money, beside: Money) -> None:
        """Of each order a refund that the bank has not decided; then another, which has no room `beside` it."""
        self._world.provider.settings(refunds="pending", over_refunds="accept")
        for bill in self._world.bills:
            self.told.append(self._world.nodes[0].refund(bill.order.id, money))
            self.told.append(self._world.nodes[1].refund(bill.order.id, beside))

    def end(self, *how: str) -> None:
        """The bank ends the refund of each order so, and the provider tells of it."""
        for bill, end in zip(self._world.bills, how, strict=True):
            self._came_to_nothing += [bill] if end != "succeeded" else []
            refund = self._world.bank.told_of(bill, "refund.created")["data"]["object"]["id"]
            self._world.provider.act(refund=refund, finish=end)
        self._world.provider.settings(refunds="now")

    def expect_back(self, money: Money, bill: "Bill | None" = None) -> None:
        """By the provider, so much has gone back of the order, or of another one. AssertionError if not."""
        back = self._world.provider.sums(order=(bill or self._world.bill).order.id).money_back
        assert_that(dict(back), equal_to({money.currency.lower(): money.minor} if money.amount else {}), "gone back")

    def expect_all_can_go_back(self) -> None:
        """What each order cost can be given back, and is what goes back. AssertionError if not."""
        for bill in self._world.bills:
            answer = self._world.nodes[1].refund(bill.order.id, bill.order.cost)
            assert_that(answer.outcome, equal_to(Outcome.DONE), f"of a refund of {bill.order.cost}: {answer}")
            self.expect_back(bill.order.cost, bill)

    def expect_refunded(self, money: Money, within_s: float, bill: "Bill | None" = None) -> None:
        """Within `within_s` so much of the order is given back in the books. AssertionError if not."""
        self._expect_refunded((bill or self._world.bill).order.id, money, within_s)

    def expect_refundable(self, money: Money, within_s: float) -> None:
        """Of orders whose refund came to nothing the books have none within `within_s`, and then `money` can be."""
        for bill in self._came_to_nothing:
            self._expect_refunded(bill.order.id, money._replace(amount=Decimal(0)), within_s)
            answer = self._world.nodes[0].refund(bill.order.id, money)
            assert_that(answer.outcome, equal_to(Outcome.DONE), f"of a refund of all that was paid: {answer}")

    def go_back_elsewhere(self) -> "tuple[Bill, Bill]":
        """Of two orders that are paid, support gives some of one back at the provider, and a bank takes the other's.

        Returns both, in that order.
        """
        refunded, disputed = self.pay(_PRICE), self.pay(_PRICE)
        self._world.provider.act(payment_intent=self._world.bank.intent_of(refunded), refund=ON_THE_PAGE.minor)
        self.dispute(disputed)
        return refunded, disputed

    def expect_back_elsewhere(self, bills: "tuple[Bill, Bill]", within_s: float) -> None:
        """Within `within_s` each time the platform's books know both. AssertionError if not."""
        refunded, disputed = bills
        self.expect_refunded(ON_THE_PAGE, within_s, refunded)
        self.expect_disputed(disputed, within_s)

    def dispute(self, bill: "Bill", how: str = "open") -> None:
        """The customer's bank takes the money back; or it is decided who keeps it ("won", "lost")."""
        self._world.provider.act(payment_intent=self._world.bank.intent_of(bill), dispute=how)

    def dispute_each(self, bills: "Sequence[Bill]", within_s: float) -> None:
        """The bank disputes each of these, and the platform's books know that. AssertionError if they do not."""
        for bill in bills:
            self.dispute(bill)
        for bill in bills:
            self.expect_disputed(bill, within_s)

    def end_disputes(self, ends: Mapping[str, "Bill"]) -> None:
        """Those that are "won" and "lost" end so, which the platform has heard then. Raises ProbeError."""
        for end in _ENDS_OF_DISPUTES:
            self.dispute(ends[end], end)
        for end in _ENDS_OF_DISPUTES:
            if not poll(lambda end=end: self._has_heard(ends[end]), _HEARD_WITHIN_S):  # type: ignore[misc]
                raise ProbeError(f"no node has taken that a dispute was {end}")

    def expect_disputed(self, bill: "Bill", within_s: float, won: bool = False) -> None:
        """Within `within_s` the platform's books know that the money is gone, or is back. AssertionError if not."""
        order = bill.order
        wanted, key = 0 if won else -order.cost.minor, ("dispute", order.cost.currency)
        poll(lambda: self._world.books.moved(order.id)[key] == wanted, within_s)
        assert_that(self._world.books.moved(order.id)[key], equal_to(wanted), "disputed, by the platform's books")

    def ask_for_all(self, bills: "Sequence[Bill]") -> None:
        """A refund of all that each of these cost, through the nodes in turn."""
        nodes = turns(self._world.nodes)
        self.told = [next(nodes).refund(bill.order.id, bill.order.cost) for bill in bills]

    def expect_none_asked(self, bill: "Bill") -> None:
        """The provider was asked for no refund of the order. AssertionError if it was."""
        asked = self._world.provider.arrivals(0, order=bill.order.id, **GIVING_BACK)
        assert_that(len(asked), equal_to(0), "refunds that the provider was asked for")

    def _has_heard(self, bill: "Bill") -> bool:
        """Whether a node has taken that the dispute of an order has ended."""
        told = self._world.provider.deliveries(order=bill.order.id, type="charge.dispute.closed")
        return any(one.taken for one in told)

    def _expect_refunded(self, order: str, money: Money, within_s: float) -> None:
        key = ("refund", money.currency)
        poll(lambda: self._world.books.moved(order)[key] == -money.minor, within_s)
        assert_that(-self._world.books.moved(order)[key], equal_to(money.minor), "given back, by the platform's books")
