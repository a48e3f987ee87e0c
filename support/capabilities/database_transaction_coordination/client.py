"""What can be done at one node of billing, in the feature's words, and where a platform keeps what it was told.

Who acts is said by their session; what takes none is for the operator.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, NewType, Protocol

Session = NewType("Session", str)  # of a customer, as the platform's customers show it


class Booking(NamedTuple):
    """A charge, or a refund if `cents` is below 0, as it was asked for; both stores are compared with it."""

    reference: str
    account: str
    product: str
    cents: int
    day: datetime.date


class Outcome(Enum):
    """What a node says has become of what it was asked for."""

    BOOKED = "booked"
    REJECTED = "rejected"  # it cannot be done as it was asked for, now or later
    TRY_AGAIN = "to be tried again"  # others changed the same at that moment; nothing was booked
    UNAUTHENTICATED = "not authenticated"
    UNAVAILABLE = "unavailable"  # for now; whether it was booked the node does not know


class Report(NamedTuple):
    """What a reconciliation found: what analytics lacked, showed differently, or showed and billing does not have.

    Each by its id, which is billing's; what billing does not have by the one that analytics shows.
    """

    missing: list[str]
    differing: list[str]
    surplus: list[str]


class PutAside(NamedTuple):
    """What analytics refused for good: after how many tries, and why."""

    tries: int
    reason: str


@dataclass(frozen=True)
class BillingTables:
    """A SELECT for PostgreSQL each, of all customers' rows; their columns go by the names that stand here.

    `customer` is what `session` was told. Cents are whole, and below 0 for a refund; a `day` is a date, all else but
    numbers and `put_aside` (a boolean) text.
    """

    entries: str  # customer, reference, id, account, product, cents, currency, day: what is committed
    accounts: str  # customer, account, cents: the balance
    outbox: str  # customer, reference, tries, put_aside: what analytics has yet to take; tries that it refused


class Change(NamedTuple):
    """What is done to a table, and what takes that back: a statement each."""

    do: str
    undo: str


@dataclass(frozen=True)
class AnalyticsTables:
    """The same of ClickHouse, and how to do to its tables what somebody might do by mistake.

    Changes of rows are statements with placeholders, %(references)s for a list of texts. They may take effect later.
    """

    entries: str  # customer, reference, id, account, product, cents, currency, day: what analysts see
    deliveries: str  # customer, reference: a row for each time that it was delivered, unless ClickHouse has merged them
    keep_deliveries: Change  # ClickHouse merges none
    lose: str
    # By each column of `entries` but customer and id: one of %(references)s is shown with %(value)s there instead.
    # Cents that are below 0 then make a refund of a charge, and the other way round.
    show: Mapping[str, str]
    double: str  # one of %(references)s is written once more, under the id %(id)s (a UUID)
    lose_the_table: Change  # `undo` brings it back as it was
    lose_a_column: Change  # the same
    too_much_to_do: tuple[
        Change, ...
    ]  # one after the other: ClickHouse takes no row, for a reason that is not the rows'
    add_a_column: Change
    amounts_as_floats: Change


class Adapter(Protocol):
    """What can be done through one node.

    An answer that it should not have given, or none in good time, is an AssertionError with the last exchanges.
    """

    name: str  # the node's, for messages

    def session(self, customer: str) -> Session:
        """A valid session of `customer`, whom the platform may not have heard of before."""

    def open_account(self, by: Session) -> str | Outcome:
        """Opens an account with nothing on it; its id."""

    def balance(self, by: Session, account: str) -> int | Outcome:
        """The balance in cents; REJECTED where the customer has no such account."""

    def charge(self, by: Session, booking: Booking) -> Outcome:
        """Asks once to book a charge of `booking.cents`, whatever number that is."""

    def refund(self, by: Session, booking: Booking) -> Outcome:
        """Asks once to give back -`booking.cents`."""

    def put_aside(self, by: Session) -> dict[str, PutAside] | Outcome:
        """What analytics refused for good of the customer's charges and refunds, by billing's ids."""

    def reconcile(self, by: Session) -> Report | Outcome:
        """Has the customer's books compared with analytics, and analytics set right where it differs."""

    # The operator's

    def waiting(self) -> int:
        """How many charges and refunds of all customers wait for analytics, those that were put aside left out."""

    def alert_is_raised(self) -> bool:
        """Whether the node raises the alert that the tables of analytics are not as billing writes them."""

    # Where the platform keeps what it was told

    def billing_tables(self) -> BillingTables:
        """Its tables in PostgreSQL."""

    def analytics_tables(self) -> AnalyticsTables:
        """Its tables in ClickHouse."""

    def close(self) -> None:
        """Gives the connections back."""
