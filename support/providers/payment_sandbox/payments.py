"""Payments: an intent to pay, the charges that came of it, and what a customer's bank says."""

from collections.abc import Mapping
from typing import Any

from . import balance, disputes, money
from .books import Books, Object, new_id
from .cards import Card, named
from .errors import ApiError, invalid
from .parameters import Parameters

CREATE = (
    "amount", "currency", "customer", "payment_method", "confirm", "off_session", "metadata", "description",
    "automatic_payment_methods", "payment_method_types", "return_url", "error_on_requires_action",
)  # fmt: skip
_MEANS = "Your card was declined."
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class Payments:
    """Payment intents and charges."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, given: Parameters) -> Object:
        """POST /v1/payment_intents. Raises ApiError, 402 for a card that was declined."""
        given.only(*CREATE)
        amount, currency = given.amount("amount"), money.currency(given.needed("currency"))
        money.check(amount, currency)
        customer, method = given.text("customer"), given.text("payment_method")
        if customer:
            self._books.get("customer", customer, "customer")
        if method:
            self._method(method)
        members = {"metadata": given.mapping("metadata"), "description": given.text("description")}
        intent = self.intend(amount, currency, customer, method, members)
        if given.flag("confirm"):
            self.attempt(intent, off_session=bool(given.flag("off_session")))
        return intent

    def confirm(self, given: Parameters, id_: str) -> Object:
        """POST /v1/payment_intents/{id}/confirm, also with another card after one was declined."""
        given.only("payment_method", "off_session", "return_url", "error_on_requires_action")
        intent = self._books.get("payment_intent", id_)
        method = given.text("payment_method", intent["payment_method"])
        if intent["status"] not in _OPEN:
            raise _unexpected(intent, "confirm")
        if method is None:
            raise invalid("You cannot confirm this PaymentIntent: it has no payment method", "payment_method")
        self._method(method)
        intent["payment_method"] = method
        self.attempt(intent, off_session=bool(given.flag("off_session")))
        return intent

    def cancel(self, given: Parameters, id_: str) -> Object:
        """POST /v1/payment_intents/{id}/cancel."""
        given.only("cancellation_reason")
        intent = self._books.get("payment_intent", id_)
        if intent["status"] not in _OPEN:
            raise _unexpected(intent, "cancel")
        intent.update(status="canceled", canceled_at=self._books.now(intent["customer"]), next_action=None)
        self._books.emit("payment_intent.canceled", intent)
        return intent

    def intend(
        self, amount: int, currency: str, customer: str | None, method: str | None, members: Mapping[str, Any]
    ) -> Object:
        """An intent that nobody has confirmed yet."""
        id_ = new_id("pi")
        intent = self._books.add(
            "payment_intent", self._books.now(customer), id=id_, amount=amount, amount_received=0, amount_capturable=0,
            currency=currency, customer=customer, payment_method=method, latest_charge=None, last_payment_error=None,
            next_action=None, capture_method="automatic", client_secret=f"{id_}_secret_{new_id('s')[2:]}",
            status="requires_confirmation" if method else "requires_payment_method", **members,
        )  # fmt: skip
        self._books.emit("payment_intent.created", intent)
        return intent

    def attempt(self, intent: Object, off_session: bool) -> None:
        """Lets the bank decide. Raises ApiError 402 when it declines."""
        card = self._method(intent["payment_method"])
        if card.authentication and off_session:
            required = Card(last4=card.last4, code="authentication_required", decline_code="authentication_required")
            raise self.fail(intent, required)
        if card.authentication:
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
            intent.update(status="requires_action", next_action=action)
            self._books.emit("payment_intent.requires_action", intent)
        elif card.processing:
            intent.update(status="processing", next_action=None)
            self._books.emit("payment_intent.processing", intent)
        elif card.code:
            raise self.fail(intent, card)
        else:
            self.succeed(intent, disputed=card.dispute)

    def succeed(self, intent: Object, disputed: bool = False) -> Object:
        """The money has come; returns the charge."""
        charge = self.settle(intent)
        self._books.emit("charge.succeeded", charge)
        self._books.emit("payment_intent.succeeded", intent)
        if disputed:
            disputes.open_(self._books, charge)
        return charge

    def settle(self, intent: Object) -> Object:
        """Charges and books the money of `intent`, and emits nothing."""
        charge = self._charge(intent, status="succeeded", paid=True, captured=True, amount_captured=intent["amount"])
        entry = balance.book(self._books, charge, "charge", charge["amount"], charge["created"])
        charge["balance_transaction"] = entry["id"]
        intent.update(
            status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"], next_action=None,
            last_payment_error=None,
        )  # fmt: skip
        return charge

    def fail(self, intent: Object, card: Card) -> ApiError:
        """The bank has declined; returns the error that tells."""
        charge = self._charge(
            intent, status="failed", paid=False, captured=False, amount_captured=0, failure_code=card.code,
            outcome={"type": "issuer_declined", "network_status": "declined_by_network", "reason": card.decline_code},
        )  # fmt: skip
        error = {"type": "card_error", "code": card.code, "decline_code": card.decline_code, "message": _MEANS}
        intent.update(
            status="requires_payment_method", latest_charge=charge["id"], last_payment_error=error, next_action=None,
            payment_method=None,
        )  # fmt: skip
        self._books.emit("charge.failed", charge)
        self._books.emit("payment_intent.payment_failed", intent)
        details = {"decline_code": card.decline_code, "charge": charge["id"], "payment_intent": dict(intent)}
        return ApiError(402, "card_error", _MEANS, card.code, **details)

    def _charge(self, intent: Object, **members: Any) -> Object:
        approved = {"type": "authorized", "network_status": "approved_by_network", "reason": None}
        return self._books.add(
            "charge", self._books.now(intent["customer"]),
            **{
                "amount": intent["amount"], "amount_refunded": 0, "currency": intent["currency"],
                "customer": intent["customer"], "payment_intent": intent["id"], "balance_transaction": None,
                "payment_method": intent["payment_method"], "refunded": False, "disputed": False,
                "failure_code": None, "outcome": approved, "metadata": dict(intent["metadata"]),
            } | members,
        )  # fmt: skip

    def _method(self, id_: str) -> Card:
        """The card behind a payment method, or behind the name of a test card."""
        card = named(id_)
        if card is None:
            self._books.get("payment_method", id_, "payment_method")
            card = self._books.cards[id_]
        return card


def _unexpected(intent: Object, verb: str) -> ApiError:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return ApiError(
        400, "invalid_request_error", message, "payment_intent_unexpected_state", payment_intent=dict(intent)
    )
