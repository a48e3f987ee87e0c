"""Customers who pay a platform, its operators, and what it has to show for every cent.

A platform is asked through one node at a time. It tells the provider which order a payment is for, as the order's id in
the payment's metadata under "order".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import LiteralString, NamedTuple, Protocol

# Decimal places (ISO 4217) of the currencies that scenarios use.
PLACES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


class Card(Enum):
    """A card, by the provider's token for it."""

    GOOD = "pm_card_visa"
    ANOTHER = "pm_card_mastercard"
    DECLINED = "pm_card_chargeDeclined"
    WITHOUT_FUNDS = "pm_card_chargeDeclinedInsufficientFunds"
    EXPIRED = "pm_card_chargeDeclinedExpiredCard"
    TO_BE_CONFIRMED = "pm_card_authenticationRequired"  # its bank asks the customer
    DECIDED_LATER = "pm_card_visa_processing"
    FAILS_FROM_NOW_ON = "pm_card_chargeCustomerFail"  # it can be kept, and every charge is declined


class Outcome(Enum):
    """What became of something that was asked for. NOT_KNOWN: not yet; whoever asks again is told."""

    DONE = auto()
    NOT_KNOWN = auto()
    DECLINED = auto()
    WITHOUT_FUNDS = auto()
    EXPIRED = auto()
    TO_BE_CONFIRMED = auto()
    INVALID = auto()
    NOT_FOUND = auto()
    CONFLICT = auto()
    FORBIDDEN = auto()
    UNAUTHENTICATED = auto()
    UNAVAILABLE = auto()


@dataclass(frozen=True)
class Line:
    """So many of something, at a price in the currency's own unit."""

    quantity: int
    price: Decimal


class Money(NamedTuple):
    """An amount in the currency's own unit, such as 19.99 USD."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, minor: int, currency: str) -> "Money":
        """From whole numbers of the smallest unit."""
        return cls(Decimal(minor).scaleb(-PLACES[currency]), currency)

    @property
    def minor(self) -> int:
        """The same in the smallest unit. ValueError for a fraction of one."""
        scaled = self.amount.scaleb(PLACES[self.currency])
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{self} is no whole number of the smallest unit")
        return int(scaled)


@dataclass(frozen=True)
class Order:
    """An order that was taken: its id, who made it, and what the customer was told that it costs."""

    id: str
    customer: str
    cost: Money


@dataclass(frozen=True)
class Answer:
    """What came of a request, and all that was said, word for word."""

    outcome: Outcome
    said: str = ""


@dataclass(frozen=True)
class Receipt:
    """What a customer is shown of an order."""

    settled: bool  # it counts as paid
    paid: Money
    refunded: Money


@dataclass(frozen=True)
class Quote:
    """What a change of plan will cost now, and what the platform knows the quote by."""

    due: Money
    token: str


class Finding(NamedTuple):
    """A difference between the platform's books and the provider's: missing, extra, amount, currency or status."""

    kind: str
    order: str


@dataclass(frozen=True)
class Tables:
    """The platform's own books as SELECTs, each with these columns.

    `movements`: owner (an order's id, or a subscriber's name), kind (charge, refund, dispute), amount (what came from
    the customer, in the smallest unit; below 0 what went back), currency. `sides`: currency, amount of every entry of
    the ledger, which sum to 0. `orders`: id, settled. `findings`: kind, reference. `subscribers`: name, provider_id of
    the customer. `lock_order` holds an order's row (%s: its id) so that nobody else can change it. `age` makes all
    that was asked for for an order or a subscriber (%(owner)s: its id, or their name) %(hours)s hours older.
    """

    movements: LiteralString
    sides: LiteralString
    orders: LiteralString
    findings: LiteralString
    subscribers: LiteralString
    lock_order: LiteralString
    age: LiteralString


class Adapter(Protocol):
    """One node."""

    name: str

    @property
    def webhook_secrets(self) -> Sequence[str]:
        """What the node knows the provider's events by: the new secret, and the one that it replaces."""

    @property
    def api_key(self) -> str:
        """What the node shows the provider."""

    def webhooks_at(self, origin: str) -> str:
        """Where the provider sends its events, on a node whose addresses begin with `origin`."""

    def tables(self) -> Tables:
        """Where the platform's books are."""

    # A customer

    def order(self, customer: str, lines: Sequence[Line], currency: str) -> Order | Outcome:
        """Orders, at what these lines cost."""

    def order_for(self, customer: str, price: str, currency: str) -> Outcome:
        """Tries to order one thing at a price that is no proper one."""

    def pay(self, customer: str, order: str, card: str | int, key: str = "") -> Answer:
        """Pays an order by the token of a card; `key` says that requests are one and the same.

        An int is what a program sends by mistake that takes the digits of a card for a number.
        """

    def receipt(self, customer: str, order: str) -> Receipt | Outcome:
        """What the customer is shown of an order."""

    def subscribe(self, customer: str, plan: str, card: str | int, trial_days: int = 0) -> Answer:
        """Subscribes to a plan, by the token of a card, which is kept at the provider; an int as in `pay`."""

    def access(self, customer: str) -> str | None:
        """The plan that the customer may use now, if any."""

    def quote(self, customer: str, plan: str) -> Quote:
        """What a change to `plan` would cost now."""

    def change(self, customer: str, plan: str, quote: Quote) -> Answer:
        """Changes to `plan` for what was quoted."""

    def cancel(self, customer: str) -> Answer:
        """Ends the subscription with the period that is paid for."""

    # An operator

    def refund(self, order: str, money: Money) -> Answer:
        """Gives some of what was paid for an order back."""

    def refund_as_customer(self, customer: str, order: str, money: Money) -> Answer:
        """The same, asked by a customer, who may not."""

    def reconcile(self, since: int) -> list[Finding]:
        """Compares all payments since then (seconds since the epoch) with the provider's."""

    def close(self) -> None:
        """Gives the connections back."""
