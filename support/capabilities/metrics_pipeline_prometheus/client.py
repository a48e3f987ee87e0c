"""Customers of a shop, and its operators: what customers get, and what a platform calls that in its metrics and alerts.

Metrics are named by selectors of PromQL (prometheus.io/docs/prometheus/latest/querying/basics), of one node each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol


class Errand(Enum):
    """What customers come for. Each is done by asking the warehouse once."""

    ORDER = auto()
    LOOK = auto()  # at an order that was placed
    EXPORT = auto()  # passed on as it comes from the warehouse
    NOTHING = auto()  # that the shop has


class Pass(Enum):
    """What customers show, to prove who they are."""

    VALID = auto()
    EXPIRED = auto()  # a minute ago
    NONE = auto()


class Outcome(Enum):
    """What customers get."""

    SERVED = auto()
    REFUSED = auto()  # by a shop that does not know them, or no more
    SLOWED_DOWN = auto()  # told to come more slowly
    NOT_THERE = auto()
    CRASHED = auto()  # an error of the shop's own
    NEIGHBOUR_FAILED = auto()  # the warehouse has failed
    CLOSED = auto()  # for maintenance
    BROKEN_OFF = auto()  # the answer began, and did not come to its end
    LEFT = auto()  # the customer did not wait for the answer
    UNANSWERED = auto()  # the node refused the connection, or broke it before it answered


SOLD = (Errand.ORDER, Errand.LOOK, Errand.EXPORT)
_FAILED = (Outcome.CRASHED, Outcome.NEIGHBOUR_FAILED, Outcome.CLOSED)
# What of it is a failure of the shop's, which somebody has to be told of, and what is none.
FAILURES: Mapping[Errand, tuple[Outcome, ...]] = {
    Errand.ORDER: _FAILED,
    Errand.LOOK: _FAILED,
    Errand.EXPORT: (*_FAILED, Outcome.BROKEN_OFF),
}
NO_FAILURES = (Outcome.REFUSED, Outcome.SLOWED_DOWN, Outcome.NOT_THERE, Outcome.LEFT)


class Alarm(Enum):
    """What somebody is woken by."""

    ORDER_FAILED = auto()  # at the first one
    ERRORS = auto()  # one in five, for 2 s
    NODE_DOWN = auto()  # for 2 s, or again and again
    SHOP_DOWN = auto()  # no node is up, for 1 s
    BUDGET_BURNS = auto()  # 14.4 times as many errors as 99.9 % allow: in the last hour and the last 5 minutes


class Counted(NamedTuple):
    """What a series counts; None where it is nothing that customers come for, or get."""

    errand: Errand | None
    outcome: Outcome | None


@dataclass(frozen=True)
class Exposition:
    """What a node tells Prometheus: the text, and as what it declares it (the media type with its parameters)."""

    text: str
    content_type: str


class Waiting(Protocol):
    """A customer who waits for an answer, on a connection of their own."""

    def begun(self, within_s: float) -> bool:
        """Whether an answer begins within `within_s`; the customer waits for the rest of it."""

    def hang_up(self) -> None:
        """Does not wait any longer: the connection is reset."""

    def answered(self, within_s: float) -> bool:
        """Whether an answer comes to its end within `within_s`; False when the connection breaks, or stays silent."""


class Adapter(Protocol):
    """One node. Every request goes over a connection of its own, so that it meets any of the node's processes."""

    name: str
    customer: str  # as whom customers are signed in at this node, in this scenario and no other

    def ask(self, errand: Errand, label: str, shown: Pass = Pass.VALID) -> Outcome:
        """Comes for `errand`, and shows that; the warehouse sees a path that ends in /label.

        AssertionError for an answer that is none of the outcomes.
        """

    def glance(self, label: str, shown: Pass = Pass.VALID) -> Outcome:
        """Looks at an order as `ask` does, and wants no more of the answer than its head."""

    def begin(self, errand: Errand, label: str) -> Waiting:
        """The same without waiting for the answer."""

    def wander(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Outcome:
        """Asks for any `path` (with its leading slash) by any `method`, such as scanners try; signed in."""

    def where(self, errand: Errand, label: str) -> str:
        """The path (with its leading slash) at which customers come for `errand`, for scanners to try."""

    def beside(self, errand: Errand, label: str) -> Sequence[str]:
        """Paths that look like that one, or begin or end like it, and at which nobody has anything."""

    def maintain(self, closed: bool) -> None:
        """An operator closes the shop for maintenance, or opens it again."""

    def exposition(self) -> Exposition:
        """What the node tells whoever scrapes it now."""

    def counters(self) -> str:
        """Selects the counters of this node's requests, of which each request raises one, by 1."""

    def series(self, errand: Errand, outcome: Outcome) -> str:
        """One of these, with all its labels."""

    def means(self, labels: Mapping[str, str]) -> Counted:
        """What the series of `counters` with these labels counts."""

    def share_of_errors(self, errand: Errand) -> str:
        """Selects the recorded share of requests for `errand` that have failed, of all nodes, as dashboards show it."""

    def buckets(self, errand: Errand) -> str:
        """Selects the buckets of the histogram of how long this node's requests for `errand` took, in seconds."""

    def under_way(self) -> str:
        """Selects how many requests are under way at this node."""

    def up(self) -> str:
        """Selects whether the last scrape of this node went well."""

    def alarm(self, alarm: Alarm, errand: Errand | None = None) -> Mapping[str, str]:
        """The labels by which somebody on call tells this node's `alarm` about `errand` from all others."""

    def runbook(self) -> str:
        """The annotation in which an alert says what to do."""

    def close(self) -> None:
        """Gives the connections back."""
