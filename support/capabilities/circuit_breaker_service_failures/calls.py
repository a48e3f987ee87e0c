"""Calls of a service, and what follows from them for its breaker."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome, Reply
from support.errors import ProbeError

LEAST_CALLS = 10  # fewer say nothing
WINDOW_S = 2.0
MAY_BE_SLOW_S, MAY_BE_GIVEN_UP_S = 0.78, 1.15  # a call that takes as long may count as failed, or be given up
_LOOKED_AT = 20
MOST_TIMES = 3  # that a moment is tried for which is soon over: a busy machine stands still for half a second
NEARLY_S = 0.05  # a call that is so much from being too old may be


@dataclass(frozen=True)
class Call:
    """A call that was made: what it asked for, when, what its caller heard, and whether it speaks for the service.

    Times in seconds since 1970. `unsure`: it took so long that it may speak against the service.
    """

    label: str
    sent: float
    heard: float
    reply: Reply
    well: bool
    unsure: bool = False

    @property
    def refused(self) -> bool:
        """Whether its caller heard that the service was not asked."""
        return self.reply.outcome is Outcome.NOT_ASKED

    @property
    def unheard(self) -> bool:
        """Whether its caller hung up, so that it says nothing of the service."""
        return self.reply.outcome is Outcome.UNHEARD

    @property
    def took_s(self) -> float:
        """For how long its caller waited."""
        return self.heard - self.sent


@dataclass(frozen=True)
class Opening:
    """When a breaker opened: not before the service had ended its answers, nor after callers had heard of them."""

    earliest: float
    latest: float


def make(node: Adapter, service: str, label: str, well: bool) -> Call:
    """Calls `service` through `node`; `well`: what becomes of it speaks for the service."""
    sent = time.time()
    reply = node.call(service, label)
    heard = time.time()
    return Call(label, sent, heard, reply, well, unsure=well and heard - sent > MAY_BE_SLOW_S)


def may_open(calls: Sequence[Call]) -> set[bool]:
    """Whether a breaker opens with the last of these, which ended in this order.

    It looks at the last 20 of the last 2 s, and opens when of 10 or more half failed. Both may be true where it is not
    certain which of them were too old by then, or had failed.
    """
    looked_at, last = calls[-_LOOKED_AT:], calls[-1]
    for_certain = sum(call.heard < last.sent - WINDOW_S - NEARLY_S for call in looked_at)
    at_most = sum(call.sent < last.heard - WINDOW_S + NEARLY_S for call in looked_at[:-1])
    return set[bool]().union(*(_enough_failed(looked_at[gone:]) for gone in range(for_certain, at_most + 1)))


def _enough_failed(calls: Sequence[Call]) -> set[bool]:
    failed = sum(not call.well for call in calls)
    perhaps = sum(call.unsure and call.well for call in calls)
    return {len(calls) >= LEAST_CALLS and 2 * count >= len(calls) for count in (failed, failed + perhaps)}


def opens_at(calls: Sequence[Call]) -> int | None:
    """The place of the call with which a breaker opens when these are made one after the other; None if it need not.

    Raises ProbeError when they took so long that it may have opened before that.
    """
    for place in range(len(calls)):
        opens = may_open(calls[: place + 1])
        if opens == {True}:
            return place
        if True in opens:
            raise ProbeError(f"the calls took so long that the breaker may have opened at call {place} or not")
    return None
