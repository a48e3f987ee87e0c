"""A long outage: how often the service is asked whether it is well, and what callers are told meanwhile."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count as numbers
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than

from support.capabilities.circuit_breaker_service_failures.calls import Call, Opening
from support.capabilities.circuit_breaker_service_failures.client import Outcome
from support.errors import ProbeError
from support.promise import broken, must

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_FAILURES = {"fails": "fails", "slow": "answers correctly, but only after 900 ms", "silent": "never answers"}
# What the calls that decide meet, and for how long nobody calls before: longer than a wait lasts, the second time.
_ROUNDS = (("well", "well", "fails"), 0.0), (("well", "well", "slow"), 4.0), (("silent",), 0.0)
_EVERY_S = 0.02
_GIVES_UP_S = 4.2  # later than any breaker may go on refusing
_SLOW_S = 0.75  # a little less than what counts as slow
_CLOCKS_S = 0.02  # by which clocks may differ


@dataclass
class _Wait:
    """For as long as the breaker was open: the calls that were refused, and the one that was let through after that."""

    opened: Opening
    refused: list[Call] = field(default_factory=list)
    after: Call | None = None


class Outage:
    """The waits of the first gateway's breaker, one after the other."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._numbers = numbers(1)
        self._opened: Opening | None = None
        self._waits: list[_Wait] = []

    def begin(self) -> None:
        """Opens the breaker."""
        self._opened = self._world.open()

    def endure(self) -> None:
        """Calls all the time, with a pause: of the calls that decide one fails, is slow or hangs, each time."""
        for thing, how in _FAILURES.items():
            self._world.arm(how, f"{thing}/*")
        opened = self._opened or self._world.open()
        for meet, quiet_s in _ROUNDS:
            self._world.let_pass(quiet_s)
            decided_by = self._live_through(_Wait(opened), meet)
            if decided_by is None:
                return
            opened = Opening(self._world.ended(decided_by), decided_by.heard)

    def _live_through(self, wait: _Wait, meet: Sequence[str]) -> Call | None:
        """Calls until as many were let through as there are `meet`; the last of these, or None if none ever is."""
        self._waits.append(wait)
        since, call = wait.opened.latest, None
        for thing in meet:
            call = self._let_through(thing, since, wait.refused if wait.after is None else [])
            if call is None:
                return None
            wait.after, since = wait.after or call, call.heard
        return call

    def _let_through(self, thing: str, since: float, refused: list[Call]) -> Call | None:
        """Calls until one is let through, and returns that; None when that has not been for long. Notes the others."""
        while True:
            call = self._world.ask(f"{thing}/{next(self._numbers)}")
            if call.reply.outcome is not Outcome.NOT_ASKED:
                if thing == "well" and call.heard - call.sent > _SLOW_S:
                    raise ProbeError(f"a call took {call.heard - call.sent:.2f} s, and counts as slow")
                return call
            refused.append(call)
            if call.sent > since + _GIVES_UP_S:
                return None
            time.sleep(_EVERY_S)

    # What must hold

    def expect_waits(self, nominal_s: Sequence[float], spread: float) -> None:
        """Each wait was as long as it has to be, and by no more than `spread` of that longer."""
        for wait, wanted in zip(self._waits, nominal_s, strict=False):
            ends_at = wait.opened.latest + wanted * (1 + spread)
            assert_that([call for call in wait.refused if call.sent > ends_at], empty(), f"refused after {wanted:g} s")
            after = wait.after or broken("no call was let through any more")
            took = self._world.arrival(after).arrived - wait.opened.earliest
            assert_that(took, greater_than(wanted - _CLOCKS_S), "seconds for which the service was left in peace")
        assert_that(len(self._waits), equal_to(len(nominal_s)), "how often it was asked again")

    def expect_told_when(self, within_s: float) -> None:
        """Who asked again when told to was let through, and nobody was told to wait for `within_s` longer than that."""
        for wait in self._waits:
            after = self._world.arrival(wait.after) if wait.after else broken("no call was let through any more")
            last = max((call.sent for call in wait.refused), default=0.0)
            for call in wait.refused:
                told = call.reply.retry_after_s or 0
                must(call.heard + told > last, f"who was told to ask again after {told} s was refused then: {call}")
                must(call.sent + told < after.arrived + within_s, f"told to wait for {told} s, too long: {call}")
