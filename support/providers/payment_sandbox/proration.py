"""Lines of an invoice: what a period costs, and what a change within one gives back and costs, by the second."""

from collections.abc import Iterable
from dataclasses import dataclass

from .books import Object, new_id
from .money import half_up


@dataclass(frozen=True)
class Debit:
    """What was asked for an item, and for which time."""

    amount: int
    start: int
    end: int

    def unused(self, at: int) -> int:
        """What of it is for the time after `at`."""
        return half_up(self.amount * (self.end - at), self.end - self.start)


def whole_period(item: Object, subscription: Object, start: int, end: int) -> Object:
    """The line of an item for one period."""
    amount = item["price"]["unit_amount"] * item["quantity"]
    return _line(subscription, item, amount, (start, end), prorated=False)


def change(subscription: Object, old: Object, new: Object, debit: Debit, at: int) -> list[Object]:
    """The lines for an item that is another from `at` on: back what was not used, and the rest of the period anew."""
    period = (at, old["current_period_end"])
    length = old["current_period_end"] - old["current_period_start"]
    rest = half_up(new["price"]["unit_amount"] * new["quantity"] * (period[1] - at), length)
    return [
        _line(subscription, old, -debit.unused(at), period, prorated=True),
        _line(subscription, new, rest, period, prorated=True),
    ]


def total(lines: Iterable[Object]) -> int:
    """The sum of lines."""
    return sum(line["amount"] for line in lines)


def _line(subscription: Object, item: Object, amount: int, period: tuple[int, int], prorated: bool) -> Object:
    price = item["price"]
    of_item = {"subscription": subscription["id"], "subscription_item": item["id"], "proration": prorated}
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "quantity": item["quantity"],
        "period": {"start": period[0], "end": period[1]},
        "parent": {"type": "subscription_item_details", "subscription_item_details": of_item},
        "pricing": {"type": "price_details", "price_details": {"price": price["id"], "product": price["product"]}},
        "livemode": False,
        "metadata": {},
    }
