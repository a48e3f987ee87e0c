"""Customers of an API that is limited: they call it through any gateway, and are let in or told to wait."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class Verdict(Enum):
    """What became of a call."""

    ADMITTED = auto()
    LIMITED = auto()
    UNAUTHENTICATED = auto()
    INVALID = auto()
    UNAVAILABLE = auto()


@dataclass(frozen=True)
class Customer:
    """Who calls, and by which plan."""

    name: str
    plan: str


@dataclass(frozen=True)
class Answer:
    """What a gateway said to a call: how many are left of the plan's limit, and after how many seconds to ask again."""

    verdict: Verdict
    remaining: int | None = None
    retry_after_s: int | None = None


class Adapter(Protocol):
    """One gateway."""

    name: str

    def call(self, customer: Customer, path: str, cost: int = 1) -> Answer:
        """`customer` calls `path` of the API, which costs `cost` calls. AssertionError for any other answer."""

    def close(self) -> None:
        """Gives the connections back."""
