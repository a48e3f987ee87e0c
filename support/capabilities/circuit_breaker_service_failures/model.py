"""What a breaker has to do, by its promises alone: it is told what became of calls, and never what a breaker says."""

from collections import Counter
from collections.abc import Iterable

from support.capabilities.circuit_breaker_service_failures.calls import Call, Opening, may_open
from support.capabilities.circuit_breaker_service_failures.client import State

WAIT_S, LONGEST_WAIT_S = 2.0, 3.0  # for which an open breaker lets nothing through, at the least


class Model:
    """One breaker: its state, when it opened last and for how long it lets nothing through then, and its changes."""

    def __init__(self) -> None:
        self.state = State.CLOSED
        self.opened = Opening(0.0, 0.0)
        self.wait_s = 0.0
        self.changes: Counter[tuple[State, State]] = Counter()
        self._counted: list[Call] = []
        self._rounds = 0

    def count(self, calls: Iterable[Call]) -> None:
        """These ended while it was closed; those whose callers hung up are not counted."""
        self._counted += sorted((call for call in calls if not call.unheard), key=lambda call: call.heard)

    def may_have_opened(self) -> set[bool]:
        """Whether it has opened with the last call; both where that cannot be told."""
        return may_open(self._counted) if self._counted else {False}

    def open(self, opening: Opening) -> None:
        """It opened then: enough calls failed, or one of those that decide."""
        self._become(State.OPEN)
        self.opened = opening
        self.wait_s = min(WAIT_S * 2**self._rounds, LONGEST_WAIT_S)
        self._rounds += 1

    def half_open(self) -> None:
        """It lets a few through, to see."""
        self._become(State.HALF_OPEN)

    def close(self) -> None:
        """All of those went well: nothing of what was before counts any more."""
        self._become(State.CLOSED)
        self._counted.clear()
        self._rounds = 0

    def last_counted(self) -> Call:
        """The call with which it opened, if it did."""
        return self._counted[-1]

    def _become(self, state: State) -> None:
        self.changes[self.state, state] += 1
        self.state = state
