"""Money: outside, decimal texts such as "19.99"; inside, whole numbers of a currency's minor unit and nothing else."""

from decimal import Decimal, InvalidOperation

# Decimal places (ISO 4217) of the currencies that are taken.
PLACES = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
LARGEST = 99_999_999  # the provider takes no larger one
_LONGEST = 20


class MoneyError(ValueError):
    """An amount or a currency that there is not."""


def minor(text: str, currency: str) -> int:
    """The minor units of a positive amount. Raises MoneyError, also for a fraction of a unit, or one too large."""
    places = PLACES.get(currency)
    if places is None:
        raise MoneyError(f"currency: expected one of {', '.join(PLACES)}")
    try:
        scaled = Decimal(text).scaleb(places) if len(text) <= _LONGEST else Decimal("NaN")
    except InvalidOperation:
        scaled = Decimal("NaN")
    if not scaled.is_finite() or not 0 < scaled <= LARGEST or scaled != scaled.to_integral_value():
        raise MoneyError(f"amount: expected one between the smallest unit of {currency} and {LARGEST} of them")
    if places == 3 and scaled % 10:
        raise MoneyError(f"amount: the last of three decimals of {currency} is 0, as card networks have it")
    return int(scaled)


def text(amount: int, currency: str) -> str:
    """An amount of minor units as customers read it."""
    return str(Decimal(amount).scaleb(-PLACES[currency]))
