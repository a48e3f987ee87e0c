"""Calls of a service, and what follows from them for its breaker."""

from collections.abc import Sequence
from dataclasses import dataclass

from support.capabilities.circuit_breaker_service_failures.client import Reply

LEAST_CALLS = 10  # fewer say nothing
_LOOKED_AT = 20


@dataclass(frozen=True)
class Call:
    """A call that was made: what it asked for, when, what its caller heard, and whether the service was well then.

    Times in seconds since 1970.
    """

    label: str
    sent: float
    heard: float
    reply: Reply
    well: bool


@dataclass(frozen=True)
class Opening:
    """When a breaker opened: not before the service had ended its answers, nor after callers had heard of them."""

    earliest: float
    latest: float


def opens_at(calls: Sequence[Call], window_s: float) -> int | None:
    """The place of the call with which a breaker opens when these are made one after the other; None if it need not.

    It looks at the last 20 of the last `window_s` seconds, and opens when of 10 or more half failed.
    """
    for place, last in enumerate(calls):
        looked_at = [call for call in calls[: place + 1][-_LOOKED_AT:] if call.heard > last.heard - window_s]
        failed = sum(not call.well for call in looked_at)
        if len(looked_at) >= LEAST_CALLS and 2 * failed >= len(looked_at):
            return place
    return None
