"""The balance: an entry for each movement of money, and whether these agree with what moved it."""

from collections import defaultdict
from typing import Any

from .books import Books, Object
from .money import fee

ARRIVED = ("pending", "requires_action", "succeeded")  # a refund that has left the balance


def book(books: Books, source: Object, type_: str, amount: int, now: int) -> Object:
    """Books `amount` in the currency of `source`; a charge pays its fee."""
    kept = fee(amount) if type_ == "charge" else 0
    return books.add(
        "balance_transaction", now, amount=amount, currency=source["currency"], fee=kept, net=amount - kept,
        type=type_, source=source["id"], status="available",
    )  # fmt: skip


def audit(books: Books) -> Object:
    """For each currency what was charged, refunded, disputed and booked; `problems` is empty when it adds up."""
    sums: dict[str, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("charged", "refunded", "disputed", "booked"), 0)
    )
    for charge in books.all("charge", status="succeeded"):
        sums[charge["currency"]]["charged"] += charge["amount_captured"]
    for refund in books.all("refund"):
        sums[refund["currency"]]["refunded"] += refund["amount"] if refund["status"] in ARRIVED else 0
    for dispute in books.all("dispute"):
        sums[dispute["currency"]]["disputed"] += dispute["amount"] if dispute["status"] != "won" else 0
    for entry in books.all("balance_transaction"):
        sums[entry["currency"]]["booked"] += entry["amount"]
    problems = [
        f"{currency}: {one}"
        for currency, one in sums.items()
        if one["booked"] != one["charged"] - one["refunded"] - one["disputed"]
    ]
    return {"currencies": dict(sums), "problems": problems + _wrong_invoices(books)}


def _wrong_invoices(books: Books) -> list[Any]:
    return [
        f"{invoice['id']}: its lines are not its total"
        for invoice in books.all("invoice")
        if sum(line["amount"] for line in invoice["lines"]["data"]) != invoice["total"]
    ]
