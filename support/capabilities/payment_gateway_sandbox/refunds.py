"""Refunds: in parts, at once, such that come to nothing, and of what is disputed."""

from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Answer, Money, Outcome
from support.capabilities.payment_gateway_sandbox.moments import GIVING_BACK
from support.polling import poll
from support.worlds.crowds import threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World


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

    def ask(self, amounts: list[Decimal]) -> None:
        """One refund after the other, through the nodes in turn."""
        order, nodes = self._world.bill.order, turns(self._world.nodes)
        self.told += [next(nodes).refund(order.id, Money(amount, order.cost.currency)) for amount in amounts]

    def ask_and_lose_answer(self, money: Money) -> None:
        """A refund that the provider makes, and of which its answer is lost. Raises FaultError if it is not."""
        self._world.bank.lose_answer(GIVING_BACK, order=self._world.bill.order.id)
        self.ask([money.amount])
        self._world.bank.see_it_hit()

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

    def expect_refunded(self, money: Money, within_s: float) -> None:
        """Within `within_s` so much of the order is given back in the books. AssertionError if not."""
        self._expect_refunded(self._world.bill.order.id, money, within_s)

    def expect_refundable(self, money: Money, within_s: float) -> None:
        """Of orders whose refund came to nothing the books have none within `within_s`, and then `money` can be."""
        for bill in self._came_to_nothing:
            self._expect_refunded(bill.order.id, money._replace(amount=Decimal(0)), within_s)
            answer = self._world.nodes[0].refund(bill.order.id, money)
            assert_that(answer.outcome, equal_to(Outcome.DONE), f"of a refund of all that was paid: {answer}")

    def dispute(self, how: str = "open") -> None:
        """The customer's bank takes the money back, or gives it again ("won"), and the provider tells of it."""
        self._world.provider.act(payment_intent=self._world.bank.intent_of(self._world.bill), dispute=how)

    def expect_disputed(self, within_s: float, won: bool = False) -> None:
        """Within `within_s` the platform's books know that the money is gone, or is back. AssertionError if not."""
        order = self._world.bill.order
        wanted, key = 0 if won else -order.cost.minor, ("dispute", order.cost.currency)
        poll(lambda: self._world.books.moved(order.id)[key] == wanted, within_s)
        assert_that(self._world.books.moved(order.id)[key], equal_to(wanted), "disputed, by the platform's books")

    def expect_none_asked(self) -> None:
        """The provider was asked for no refund of the order. AssertionError if it was."""
        asked = self._world.provider.arrivals(0, order=self._world.bill.order.id, **GIVING_BACK)
        assert_that(len(asked), equal_to(0), "refunds that the provider was asked for")

    def _expect_refunded(self, order: str, money: Money, within_s: float) -> None:
        key = ("refund", money.currency)
        poll(lambda: self._world.books.moved(order)[key] == -money.minor, within_s)
        assert_that(-self._world.books.moved(order)[key], equal_to(money.minor), "given back, by the platform's books")
