"""Callers of a service behind gateways, which find its instances in Consul; and the instances themselves."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol

SERVICE = "catalog"  # what the instances of the fleet offer
TAGS = ("stable", "web")  # what each of them is marked with


class Way(Enum):
    """How a gateway finds the instances of a service."""

    WATCH = auto()  # it is told of each change
    DNS = auto()  # it asks Consul's name server


class Health(Enum):
    """What an instance answers to a health check."""

    WELL = auto()
    WARNING = auto()  # it works, and somebody should look
    FAILING = auto()


class Outcome(Enum):
    """What a caller heard."""

    ANSWERED = auto()  # by an instance
    FAILED = auto()  # an instance was asked, and gave no answer
    UNAVAILABLE = auto()  # no instance could be reached, or nobody can say whether there is one
    UNKNOWN = auto()  # there is no such service, or nobody has the tag


class Reply(NamedTuple):
    """What a caller heard; `by` is the name of the node that answered as an instance."""

    outcome: Outcome
    by: str | None = None


class Served(NamedTuple):
    """A call that an instance was given, by its own record; `at` in seconds since 1970."""

    label: str
    at: float


class Checked(NamedTuple):
    """A health check that an instance was asked by, and what it answered."""

    health: Health
    at: float


class Adapter(Protocol):
    """One node: a gateway, or an instance of `SERVICE`."""

    name: str

    def call(self, service: str, label: str, tag: str = "", way: Way = Way.WATCH, takes_s: float = 0) -> Reply:
        """Calls `service` through this gateway: an instance with `tag`, if it is not empty.

        The instance works on it for `takes_s` seconds. AssertionError for an answer that is none of these.
        """

    def answer_checks(self, *answers: Health) -> None:
        """From now on this instance answers health checks by `answers`, by one after the other, again and again."""

    def calls(self) -> Sequence[Served]:
        """The calls that this instance was given since its start, by its own record."""

    def checks(self) -> Sequence[Checked]:
        """The health checks that it was asked by since its start."""

    def close(self) -> None:
        """Gives the connections back."""
