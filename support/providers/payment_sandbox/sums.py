"""Sums over the books: what really moved, for one order or one customer, or for all."""

from collections import Counter
from collections.abc import Iterable

from .balance import ARRIVED
from .books import Books, Object

_ENDED = ("canceled", "incomplete_expired")


def sums(books: Books, order: str | None, customer: str | None) -> Object:
    """Charges that succeeded, money in and back by currency, refunds that left, subscriptions that are not over."""

    def concerned(kind: str) -> list[Object]:
        parties = [(one, *books.party(one)) for one in books.all(kind)]
        return [one for one, of, by in parties if order in (None, of) and customer in (None, by)]

    charges = [charge for charge in concerned("charge") if charge["paid"]]
    refunds = [refund for refund in concerned("refund") if refund["status"] in ARRIVED]
    return {
        "charges": len(charges),
        "money_in": _by_currency(charges, "amount_captured"),
        "refunds": len(refunds),
        "money_back": _by_currency(refunds, "amount"),
        "live_subscriptions": sum(one["status"] not in _ENDED for one in concerned("subscription")),
    }


def _by_currency(things: Iterable[Object], member: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for thing in things:
        found[thing["currency"]] += thing[member]
    return dict(found)
