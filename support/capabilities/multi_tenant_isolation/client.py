"""What companies, and the platform's own staff, can do with the target: the words of the feature.

Whoever acts does so by a session. An answer that no request should get (an error of the server's own, silence) is an
AssertionError with the last exchanges.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NewType, Protocol

Session = NewType("Session", str)  # of a company's user or of our staff: what they show with each request


class Flaw(enum.Enum):
    """What is wrong with a session, by which nobody must be served."""

    ABSENT = "none"
    EXPIRED = "expired"
    OUTLIVED = "expired, and accepted before"
    ENDLESS = "without an end"
    UNSIGNED = "not signed"
    SIGNED_BY_ANOTHER = "signed with another key"
    NO_COMPANY = "without a company"
    EMPTY_COMPANY = "with an empty company"
    NOBODYS_COMPANY = "with a company that nobody is"
    TWO_COMPANIES = "with a list of both companies"
    SQL = "with a company that carries SQL"
    EXPIRED_STAFF = "of our staff, and expired"
    UNSIGNED_STAFF = "of our staff, and not signed"
    STAFF_SIGNED_BY_ANOTHER = "of our staff, and signed with another key"


class Refusal(enum.Enum):
    """Why something was not done."""

    UNAUTHENTICATED = "nobody knows who asks"
    FORBIDDEN = "it is not theirs to ask"
    UNKNOWN = "there is no such thing"
    INVALID = "it makes no sense"
    TAKEN = "another record of the same company is called so"
    DISPLACED = "bank details were sealed for another place"
    DESTROYED = "the company's key was destroyed"
    UNAVAILABLE = "not now"


class Customer(NamedTuple):
    """A customer of a company's; the last two are its bank details."""

    id: str
    name: str
    email: str
    region: str
    iban: str
    tax_id: str


class Report(NamedTuple):
    """A region's customers: how many they are, the sum of their invoices, the name of whoever was charged most."""

    customers: int
    cents: int
    largest: str | None


class Import(enum.Enum):
    """What has become of an import."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Look(NamedTuple):
    """A look of the platform's staff at a company's data: who, and when (ISO 8601)."""

    who: str
    at: str


Told = Customer | Report | Import | list[str] | list[Look] | int | None


@dataclass(frozen=True)
class Answer:
    """What came back. `asked` says to what, for messages; `text` is all of it, status and headers included.

    `told` is what it says in the feature's words, where it is no refusal; None where there is nothing to say.
    """

    asked: str
    text: str
    refusal: Refusal | None = None
    told: Told = None

    @property
    def names(self) -> list[str]:
        """The names that it tells."""
        return [one for one in self.told if isinstance(one, str)] if isinstance(self.told, list) else []

    @property
    def looks(self) -> list[Look]:
        """The looks that it tells of."""
        return [one for one in self.told if isinstance(one, Look)] if isinstance(self.told, list) else []


class Ids(NamedTuple):
    """What of one company can be asked for: its own id, and those of its records."""

    company: str
    customer: str
    invoice: str
    upload: str  # the id of an import
    region: str


class Sealed(NamedTuple):
    """Where the platform keeps bank details in the database, for companies without a schema of their own."""

    table: str
    company: str  # the column with the company's id
    id: str  # the column with the customer's id
    columns: tuple[str, str]  # what is sealed, in the order of Customer's


Statement = tuple[str, list[str]]  # SQL with placeholders (%s), and their values


class Adapter(Protocol):
    """One node of a platform, as companies, staff and its own database account meet it."""

    name: str
    sealed: Sealed

    # Who acts

    def session(self, company: str) -> Session:
        """What a user of the company of that id shows, for at least ten minutes."""

    def staff_session(self, who: str) -> Session:
        """What a member of the platform's own staff shows, who is called `who`."""

    def short_session(self, company: str, lifetime_s: float) -> Session:
        """The same as session, but nobody is served by it any more once `lifetime_s` seconds are over.

        It holds for at least the first half of them.
        """

    def flawed_session(self, flaw: Flaw, company: str, other: str) -> Session:
        """What somebody shows who cannot prove to be of `company`; the list of both has `other` in it, too.

        Of each flaw but Flaw.OUTLIVED.
        """

    def absent_company(self) -> str:
        """An id such as companies have, that none has."""

    # What staff do

    def open_company(self, staff: Session, name: str, own_schema: bool) -> str:
        """Makes a company; returns its id, a text that is in every row of it in the database, and in no other."""

    def look(self, staff: Session, company: str) -> Answer:
        """Looks at a company's customers; tells their names."""

    def change_key(self, staff: Session, company: str) -> Answer:
        """Seals what the company stores from now on with another key."""

    def destroy_key(self, staff: Session, company: str) -> Answer:
        """Destroys all keys of the company."""

    # What companies do

    def put_customer(self, session: Session, customer: Customer) -> Answer:
        """Stores a customer, in the place of an earlier one of its id."""

    def customer(self, session: Session, id_: str) -> Answer:
        """Tells a Customer."""

    def customers(self, session: Session, containing: str = "", order: str | None = None) -> Answer:
        """Tells the names of the customers whose name contains a text, in an order (None: as they come)."""

    def customers_backwards(self, session: Session) -> Answer:
        """Tells the names of all customers, in the opposite order of their names."""

    def delete_customer(self, session: Session, id_: str) -> Answer:
        """Deletes a customer and its invoices."""

    def put_invoice(self, session: Session, id_: str, customer: str, cents: int) -> Answer:
        """Stores an invoice of a customer."""

    def invoice(self, session: Session, id_: str) -> Answer:
        """Tells the cents of an invoice."""

    def report(self, session: Session, region: str) -> Answer:
        """Tells a Report, which may come from a cache."""

    def start_import(self, session: Session, id_: str, customers: Sequence[Customer]) -> Answer:
        """Has customers stored in the background.

        To start an import of that id again changes nothing about one that has ended, and ends one that never began.
        """

    def import_state(self, session: Session, id_: str) -> Answer:
        """Tells an Import."""

    def looks(self, session: Session) -> Answer:
        """Tells the Looks of the company's access log, in their order."""

    # What nobody should do

    def every_request(self, session: Session, ids: Ids) -> Iterator[Answer]:
        """Sends each request that the platform knows, with `ids`; what it creates or changes is called "stray"."""

    def disguised(self, other: Ids) -> "Sequence[Adapter]":
        """The same node, to which every request names the company `other`, too: in its headers, host, query, body."""

    def spoiled(self, session: Session, id_: str, taken: Customer, number: int) -> Answer:
        """Sends a change that begins in the database, and cannot end there: of several kinds the one of that number.

        `id_` is a customer's that there is none of; `taken` is a customer that the company has.
        """

    def abandon_change(self, session: Session, customer: Customer, after_s: float) -> bool:
        """Stores a customer, and closes the connection `after_s` seconds later; whether that was before the answer."""

    def abandon_deletion(self, session: Session, id_: str, after_s: float) -> bool:
        """The same with the deletion of a customer."""

    def abandon_invoice(self, session: Session, id_: str, customer: str, cents: int, after_s: float) -> bool:
        """The same with an invoice."""

    def abandon_report(self, session: Session, region: str, after_s: float) -> bool:
        """The same with a report."""

    def abandon_import(self, session: Session, id_: str, customers: Sequence[Customer], after_s: float) -> bool:
        """The same with the start of an import."""

    # What the platform's database account does

    def speak_for(self, company: str) -> list[Statement]:
        """The statements by which a transaction of the account comes to speak for the company of that id."""

    def close(self) -> None:
        """Gives the connections back."""
