"""Invoices of subscriptions: drawn, finalized at once, and paid by the card that the customer pays by."""

from typing import Any

from . import proration
from .books import Books, Object, new_id
from .errors import ApiError, invalid
from .parameters import Parameters
from .payments import Payments


class Invoices:
    """Invoices. Who is told how a payment ended is `settled`, which subscriptions set."""

    def __init__(self, books: Books, payments: Payments) -> None:
        self._books, self._payments = books, payments

    def drawn(self, subscription: Object, lines: list[Object], reason: str) -> Object:
        """An invoice that is open; what a customer has in credit is taken off."""
        customer = self._books.get("customer", subscription["customer"])
        now = self._books.now(customer["id"])
        invoice = self._books.add("invoice", now, **self.rendered(subscription, lines, reason))
        customer["balance"] = invoice["ending_balance"]
        self._books.emit("invoice.created", invoice)
        invoice.update(status="open", status_transitions={**invoice["status_transitions"], "finalized_at": now})
        self._books.emit("invoice.finalized", invoice)
        subscription["latest_invoice"] = invoice["id"]
        return invoice

    def rendered(self, subscription: Object, lines: list[Object], reason: str) -> Object:
        """The members of an invoice with these lines."""
        customer = self._books.get("customer", subscription["customer"])
        total, balance = proration.total(lines), customer["balance"]
        due = max(0, total + balance)
        details = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
        listed = {"object": "list", "has_more": False, "url": "/v1/invoices/lines", "data": lines}
        return {
            "customer": customer["id"], "currency": subscription["currency"], "status": "draft", "total": total,
            "subtotal": total, "amount_due": due, "amount_paid": 0, "amount_remaining": due, "attempt_count": 0,
            "attempted": False, "next_payment_attempt": None, "billing_reason": reason, "lines": listed,
            "starting_balance": balance, "ending_balance": min(0, total + balance),
            "collection_method": "charge_automatically", "period_start": _earliest(lines),
            "period_end": self._books.now(customer["id"]),
            "parent": {"type": "subscription_details", "subscription_details": details},
            "payments": {"object": "list", "has_more": False, "url": "/v1/invoice_payments", "data": []},
            "status_transitions": {"finalized_at": None, "paid_at": None, "voided_at": None},
        }  # fmt: skip

    def attempted(self, invoice: Object, method: str | None) -> ApiError | None:
        """Tries to have an open invoice paid by `method`; None when it is, else why not."""
        if invoice["amount_remaining"]:
            invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
            try:
                intent = self._intent(invoice, method)
                self._payments.attempt(intent, off_session=True)
            except ApiError as error:
                return error
        self._paid(invoice)
        return None

    def fail(self, invoice: Object, next_attempt: int | None) -> None:
        """Says that a payment failed, and when it is tried again, if it is."""
        invoice["next_payment_attempt"] = next_attempt
        self._books.emit("invoice.payment_failed", invoice)

    def void(self, invoice: Object) -> None:
        """Nobody has to pay it any more."""
        invoice.update(status="void", next_payment_attempt=None)
        self._books.emit("invoice.voided", invoice)

    def open_of(self, subscription: Object) -> list[Object]:
        """The invoices of a subscription that nobody has paid, newest first."""
        return [one for one in self._books.all("invoice", status="open") if subscription_of(one) == subscription["id"]]

    def find(self, given: Parameters) -> list[Object]:
        """Those that GET /v1/invoices is asked for, by subscription, customer and status."""
        wanted = {name: value for name in ("customer", "status") if (value := given.text(name))}
        found, subscription = self._books.all("invoice", **wanted), given.text("subscription")
        return [one for one in found if subscription in (None, subscription_of(one))]

    def _intent(self, invoice: Object, method: str | None) -> Object:
        """The intent to pay an invoice: the same at each attempt."""
        if method is None:
            raise invalid("This customer has no default payment method.", code="resource_missing")
        payments = invoice["payments"]["data"]
        if not payments:
            members: dict[str, Any] = {"metadata": {}, "description": None}
            intent = self._payments.intend(
                invoice["amount_remaining"], invoice["currency"], invoice["customer"], method, members
            )
            payment = {"type": "payment_intent", "payment_intent": intent["id"]}
            payments.append({"id": new_id("inpay"), "object": "invoice_payment", "payment": payment, "status": "open"})
        found = self._books.get("payment_intent", payments[0]["payment"]["payment_intent"])
        found["payment_method"] = method
        return found

    def _paid(self, invoice: Object) -> None:
        now = self._books.now(invoice["customer"])
        for payment in invoice["payments"]["data"]:
            payment.update(status="paid", amount_paid=invoice["amount_due"])
        invoice.update(
            status="paid", amount_paid=invoice["amount_due"], amount_remaining=0, next_payment_attempt=None,
            status_transitions={**invoice["status_transitions"], "paid_at": now},
        )  # fmt: skip
        self._books.emit("invoice.paid", invoice)
        self._books.emit("invoice.payment_succeeded", invoice)


def subscription_of(invoice: Object) -> str:
    """The id of the subscription that an invoice is for."""
    return str(invoice["parent"]["subscription_details"]["subscription"])


def _earliest(lines: list[Object]) -> int:
    return min((int(line["period"]["start"]) for line in lines), default=0)
