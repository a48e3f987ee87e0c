"""A service that keeps invoices, two releases of which serve customers, and the commands that change its database.

Release 1 keeps amounts in euros; release 2 in cents as well, with a note for each invoice; release 3 in cents alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol


class Outcome(Enum):
    """What a node says has become of what it was asked for."""

    DONE = auto()
    UNKNOWN = auto()  # there is no such invoice
    REFUSED = auto()  # the database does not take it as it is
    UNAVAILABLE = auto()  # for now


class Invoice(NamedTuple):
    """An invoice as it is shown; `note` is None where there is none, or the release has no place for it."""

    cents: int
    note: str | None


class Errand(NamedTuple):
    """A command of the platform's image: its words, and what it is told besides by its environment."""

    words: Sequence[str]
    settings: dict[str, str]


class Revision(NamedTuple):
    """One step of the schema's history, by the name that the platform gives it, and the release that it came with."""

    name: str
    release: int


@dataclass(frozen=True)
class History:
    """All revisions, the first one first, and those of them that scenarios speak of.

    `checking` holds invoices to a rule that release 1 did not have. One of release 2 gives old invoices their cents,
    some at a time; another one builds a unique index on references, while others write.
    """

    revisions: list[Revision]
    checking: str


class Roles(NamedTuple):
    """The database's roles, by name: as which the nodes serve, and as which migrations run."""

    app: str
    migrator: str


@dataclass(frozen=True)
class Tables:
    """Where the platform keeps what it was told, in PostgreSQL.

    `euros` and `cents` are a SELECT of `reference` (text) and `cents` (bigint) each: of all invoices by what release 1
    keeps, and by what release 3 does. `applied` is one of the names of the revisions that the database has had.
    """

    invoices: str  # the table's name
    reference: str  # the name of its column
    bookkeeping: Sequence[str]  # tables that tell which revisions there were
    euros: str
    cents: str
    applied: str
    fill: str  # makes %(count)s invoices of release 1, old-1, old-2, …, each of another amount, up to some millions
    issue_again: str  # a second invoice with the %(reference)s of one that is there, into a database of release 2
    unlawful: str  # adds an invoice that the revision `checking` does not allow to a database of release 1


class Adapter(Protocol):
    """One node, of the release that its settings say.

    An answer that it should not have given, or none in good time, is an AssertionError with the last exchanges.
    """

    name: str  # the node's, for messages

    def issue(self, reference: str, cents: int, note: str | None = None) -> Outcome:
        """Asks once to keep a new invoice."""

    def correct(self, reference: str, cents: int) -> Outcome:
        """Asks once to change the amount of an invoice."""

    def read(self, reference: str) -> Invoice | Outcome:
        """The invoice, or why it is not shown."""

    def ready(self) -> bool:
        """Whether the node says that its release can work with the database as it is."""

    # Commands of the platform

    def provision(self) -> Errand:
        """Gives an empty database its roles, as an administrator does once."""

    def up(self, release: int, to: str = "") -> Errand:
        """Migrates forward to the revision `to`, or as far as `release` knows, by the image of `release`."""

    def up_unedited(self, release: int) -> Errand:
        """The same as `up` by an image of before the newest revision of release 1 was edited: a statement was another.

        By this image, which is of after that, a database that went through it has had an edited revision.
        """

    def down(self, release: int, to: str = "") -> Errand:
        """Migrates back to the revision `to`, or to nothing, by the image of `release`."""

    # What it knows of its database

    def history(self) -> History:
        """Its revisions."""

    def roles(self) -> Roles:
        """Its roles."""

    def tables(self) -> Tables:
        """Its tables."""

    def close(self) -> None:
        """Gives the connections back."""
