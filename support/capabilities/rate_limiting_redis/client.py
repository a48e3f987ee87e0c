"""Customers of an API that is limited: they call it through any gateway, and are let in or told to wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class Verdict(Enum):
    """What became of a call."""

    ADMITTED = auto()
    LIMITED = auto()  # to be asked again later
    UNAUTHENTICATED = auto()
    INVALID = auto()  # as it is, it will never be let in
    UNAVAILABLE = auto()


class Resource(Enum):
    """What is called: orders are refused while nobody can count, the catalogue is shown all the same."""

    ORDERS = auto()
    CATALOGUE = auto()


@dataclass(frozen=True)
class Customer:
    """Who calls, and by which plan: what an identity provider says of them.

    Scenarios know the plans free, team and pro; an adapter may translate them into those of its platform, and leaves
    any other as it is. An empty name or plan is said all the same, as an empty one.
    """

    name: str
    plan: str


@dataclass(frozen=True)
class Answer:
    """What a gateway said to a call.

    `limit` calls in `window_s` seconds are the plan's, `remaining` are left of it after this one, and more are in
    `more_in_s`; after `retry_after_s` it may be asked again. Each is None where the gateway did not say it. In which
    form it says it is its own: by the headers RateLimit-Policy, RateLimit (draft-ietf-httpapi-ratelimit-headers) and
    Retry-After (RFC 9110), by headers of other names or in the body, which the adapter translates.
    """

    verdict: Verdict
    limit: int | None = None
    window_s: int | None = None
    remaining: int | None = None
    retry_after_s: int | None = None
    more_in_s: int | None = None


class Adapter(Protocol):
    """One gateway."""

    name: str

    def call(self, customer: Customer, resource: Resource, label: str, items: str = "1") -> Answer:
        """`customer` asks for so many items of a resource, and each counts as a call.

        What reaches the API has `label` as the end of its path. `items` is sent as it is, sense or nonsense, and what
        a URL would not carry is encoded. AssertionError for an answer that is none of these.
        """

    def call_without_account(self, came_by: Sequence[str], resource: Resource, label: str, items: str = "1") -> Answer:
        """A call of somebody without an account, as a load balancer that the gateway trusts passes it on.

        `came_by` are the addresses that the call says to have come by, and last the one from which it reached the load
        balancer: what stands before that one, a caller may have written. They travel as the platform expects it, most
        often in this order in one X-Forwarded-For. A platform without such callers refuses them as UNAUTHENTICATED.
        """

    def close(self) -> None:
        """Gives the connections back."""
