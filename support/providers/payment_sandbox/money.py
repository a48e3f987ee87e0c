"""Money: whole numbers of a currency's smallest unit, and how they are rounded (docs.stripe.com/currencies)."""

import re

from .errors import invalid

THREE_DECIMALS = ("bhd", "jod", "kwd", "omr", "tnd")
_FEE_PER_MILLE, _FEE_FIXED = 29, 30


def currency(said: str) -> str:
    """The currency in lower case. Raises ApiError when it is none."""
    if not re.fullmatch(r"[A-Za-z]{3}", said):
        raise invalid(f"Invalid currency: {said}", "currency")
    return said.lower()


def check(amount: int, of: str, param: str = "amount") -> None:
    """Raises ApiError for an amount that the currency cannot have: of three decimals the last is 0."""
    if of in THREE_DECIMALS and amount % 10:
        raise invalid(
            f"Invalid amount: in {of.upper()} it must be a multiple of 10", param, "parameter_invalid_integer"
        )


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two that are not negative, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def fee(amount: int) -> int:
    """What the provider keeps of a charge."""
    return half_up(amount * _FEE_PER_MILLE, 1000) + _FEE_FIXED
