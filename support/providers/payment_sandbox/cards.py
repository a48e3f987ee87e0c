"""Test cards, each with one fate and a name (docs.stripe.com/testing). Numbers of cards are not taken."""

from dataclasses import dataclass

from .errors import invalid


@dataclass(frozen=True)
class Card:
    """What becomes of a payment with it: it succeeds, or is declined with `code` and `decline_code`.

    `authentication`: the customer has to confirm it. `processing`: it is decided later. `dispute`: it succeeds and is
    disputed.
    """

    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None
    decline_code: str | None = None
    authentication: bool = False
    processing: bool = False
    dispute: bool = False
    attaches: bool = True  # else it is declined already when a customer is to keep it


def _declined(last4: str, decline_code: str, code: str = "card_declined", attaches: bool = False) -> Card:
    return Card(last4=last4, code=code, decline_code=decline_code, attaches=attaches)


CARDS = {
    "pm_card_visa": Card(),
    "pm_card_mastercard": Card("mastercard", "4444"),
    "pm_card_chargeDeclined": _declined("0002", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _declined("9995", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": _declined("0069", "expired_card", "expired_card"),
    "pm_card_chargeDeclinedProcessingError": _declined("0119", "processing_error", "processing_error"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("0127", "incorrect_cvc", "incorrect_cvc"),
    "pm_card_authenticationRequired": Card(last4="3184", authentication=True),
    "pm_card_chargeCustomerFail": _declined("0341", "generic_decline", attaches=True),
    "pm_card_createDispute": Card(last4="0259", dispute=True),
    "pm_card_visa_processing": Card(processing=True),  # has no counterpart
}


def named(id_: str) -> Card | None:
    """The test card of that name."""
    if id_.replace(" ", "").isdigit():
        raise invalid("Sending card numbers is not taken; use a test payment method", "payment_method", status=400)
    return CARDS.get(id_)
