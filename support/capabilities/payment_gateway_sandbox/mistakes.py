"""What customers and operators ask for by mistake, or to try it on."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Answer, Card, Money, Outcome, Receipt

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import World

_NUMBER = "4242424242424242"
_DOLLAR = Money(Decimal("1.00"), "USD")


class Mistakes:
    """Requests that must be refused, and what was answered."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.told: list[str] = []
        self._wanted: list[str] = []

    def order_for(self, prices: Sequence[Mapping[str, str]]) -> None:
        """An order for each row, at a price that there is not."""
        node = self._world.nodes[0]
        answers = [node.order_for(self._world.customer, row["price"], row["currency"]) for row in prices]
        self.told, self._wanted = [answer.name for answer in answers], [row["answer"] for row in prices]

    def make(self, mistakes: Sequence[Mapping[str, str]]) -> None:
        """Each of these, about an order that is paid (by the key "first") and one that is not."""
        world = self._world
        unpaid, paid = world.bills[-2:]
        node, stranger = world.nodes[0], world.fresh("stranger")
        can: dict[str, Callable[[], Answer | Outcome | Receipt]] = {
            "a customer pays an order of somebody else": lambda: node.pay(stranger, unpaid.order.id, Card.GOOD.value),
            "a customer asks for the receipt of somebody else": lambda: node.receipt(stranger, paid.order.id),
            "a customer pays an order that there is not": lambda: node.pay(
                world.customer, "00000000-0000-4000-8000-000000000000", Card.GOOD.value
            ),
            "a customer pays by the number of a card": lambda: node.pay(world.customer, unpaid.order.id, _NUMBER),
            "a customer subscribes by the number of a card": lambda: node.subscribe(world.customer, "basic", _NUMBER),
            "a customer pays by a card that there is not": lambda: node.pay(
                world.customer, unpaid.order.id, "pm_card_none"
            ),
            "a customer pays another order with a key that was used": lambda: node.pay(
                world.customer, unpaid.order.id, Card.GOOD.value, "first"
            ),
            "a customer gives themselves money back": lambda: node.refund_as_customer(
                world.customer, paid.order.id, _DOLLAR
            ),
            "an operator refunds what is not paid": lambda: node.refund(unpaid.order.id, _DOLLAR),
            "an operator refunds nothing": lambda: node.refund(paid.order.id, Money(Decimal(0), "USD")),
            "an operator refunds less than nothing": lambda: node.refund(paid.order.id, Money(Decimal(-1), "USD")),
            "an operator refunds half a cent": lambda: node.refund(paid.order.id, Money(Decimal("0.005"), "USD")),
            "an operator refunds in another currency": lambda: node.refund(paid.order.id, Money(Decimal(1), "EUR")),
        }
        self.told = [_outcome(can[row["mistake"]]()).name for row in mistakes]
        self._wanted = [row["answer"] for row in mistakes]

    def expect_refused(self) -> None:
        """Each was answered as it says. AssertionError if not."""
        names = [one.upper().replace(" ", "_") for one in self._wanted]
        assert_that(self.told, equal_to(names), "the answers")


def _outcome(answer: Answer | Outcome | Receipt) -> Outcome:
    if isinstance(answer, Receipt):
        return Outcome.DONE
    return answer.outcome if isinstance(answer, Answer) else answer
