"""Orders that go through a platform, and what callers say of the trace that they belong to.

An order has a label. While it is taken, the partner is asked for GET /prices/LABEL, and once more when it fails or
hangs up; once a worker has it, for POST /shipments/LABEL, up to three times until it says that it is done. Whoever only
looks asks no partner.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol


class Outcome(Enum):
    """What came of an order, as its customer heard."""

    TAKEN = auto()
    NO_SUCH_ARTICLE = auto()  # said by the partner
    FAILED = auto()


@dataclass(frozen=True)
class Order:
    """One order. Who comes with it proves itself by `password` and `token`, and pays by `card`: these are secrets."""

    label: str
    tenant: str
    password: str
    token: str
    card: str


@dataclass(frozen=True)
class Said:
    """What a caller says of its trace: the values of each header of W3C Trace Context and W3C Baggage, as often."""

    traceparent: tuple[str, ...] = ()
    tracestate: tuple[str, ...] = ()
    baggage: tuple[str, ...] = ()


NOTHING = Said()


class Names(NamedTuple):
    """The attributes by which the platform's spans name the order and the tenant that they are about."""

    order: str
    tenant: str


class Line(Protocol):
    """A connection that stays open, on which a customer places orders."""

    def order(self, order: Order) -> Outcome:
        """Places an order, and waits for what comes of it."""

    def close(self) -> None:
        """The customer leaves."""


class Adapter(Protocol):
    """One process of the platform: a gateway, as customers reach it; or the service, as the gateways do."""

    name: str

    def order(self, order: Order, said: Said = NOTHING) -> Outcome:
        """Places an order. AssertionError for an answer that is no outcome."""

    def look(self, order: Order, said: Said = NOTHING) -> Outcome:
        """Looks at something by the label of `order`: a gateway asks the service, which asks Redis, and that is all."""

    def line(self, token: str, said: Said = NOTHING) -> Line:
        """Opens a line to a gateway, for the customer who proves itself by `token`."""

    def names(self) -> Names:
        """What the platform calls the two attributes."""

    def lost(self) -> int:
        """How many spans this process had to drop so far, for whatever reason, by its own count."""

    def close(self) -> None:
        """Gives the connections back."""
