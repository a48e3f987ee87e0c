"""Callers of services behind a gateway: they get an answer, hear that the service failed, or that it was not asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class Outcome(Enum):
    """What a caller heard."""

    ANSWERED = auto()  # by the service itself, which may have said that there is no such thing
    FAILED = auto()  # the service was asked, and failed or took too long
    NOT_ASKED = auto()  # the gateway spared the service
    ANSWERED_EARLIER = auto()  # it failed or was spared; this is what it said before, and is called that
    UNHEARD = auto()  # nothing: the caller hung up, as no adapter does of itself


class State(Enum):
    """The states of a breaker."""

    CLOSED = auto()
    OPEN = auto()
    HALF_OPEN = auto()


@dataclass(frozen=True)
class Reply:
    """What a caller heard, `text` in the service's own words where it answered.

    `retry_after_s` is after how many seconds to ask again, where the gateway said that.
    """

    outcome: Outcome
    text: str = ""
    retry_after_s: int | None = None


class Waiting(Protocol):
    """A caller who waits for an answer."""

    def hang_up(self) -> None:
        """Does not wait any longer: the connection is reset."""


class Adapter(Protocol):
    """One gateway."""

    name: str

    def call(self, service: str, label: str) -> Reply:
        """Calls `service`, which sees the path /service/label.

        A label names what is asked for. It may have slashes and a query, and what is percent-encoded in it stays so.

        AssertionError for an answer that is none of these.
        """

    def begin(self, service: str, label: str) -> Waiting:
        """The same without waiting for the answer."""

    def transitions(self, service: str) -> Mapping[tuple[State, State], int]:
        """How often the gateway's breaker for `service` went from one state to another, by its metrics."""

    def close(self) -> None:
        """Gives the connections back."""
