"""Disputes: a customer's bank takes the money back, and gives it again if the dispute is won."""

from . import balance
from .books import Books, Object


def open_(books: Books, charge: Object) -> Object:
    """The customer disputes a charge."""
    now = books.now(charge["customer"])
    dispute = books.add(
        "dispute", now, amount=charge["amount"] - charge["amount_refunded"], currency=charge["currency"],
        charge=charge["id"], payment_intent=charge["payment_intent"], reason="fraudulent", status="needs_response",
    )  # fmt: skip
    charge["disputed"] = True
    balance.book(books, dispute, "adjustment", -dispute["amount"], now)
    books.emit("charge.dispute.created", dispute)
    return dispute


def close(books: Books, charge: Object, status: str) -> Object:
    """The dispute of a charge is `won` or `lost`. Raises ValueError when there is none that is open."""
    dispute = next(iter(books.all("dispute", charge=charge["id"], status="needs_response")), None)
    if dispute is None or status not in ("won", "lost"):
        raise ValueError(f"{charge['id']} has no open dispute that could end as {status}")
    if status == "won":
        balance.book(books, dispute, "adjustment", dispute["amount"], books.now(charge["customer"]))
    dispute["status"] = status
    books.emit("charge.dispute.closed", dispute)
    return dispute
