"""A circuit breaker: closed while a service works, open while it does not, half-open while that is found out.

Every admission carries the generation in which it was made: what is answered later, in another state, decides nothing.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .settings import BreakerSettings

SPREAD = 0.2  # waits are up to so much longer, so that nodes that opened together do not ask together


class State(Enum):
    """The states; their values are what metrics and answers call them."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Outcome(Enum):
    """How a call ended for the breaker. NEITHER: its caller hung up, so nothing is known of the service."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEITHER = "neither"


class OpenError(Exception):
    """The call is not let through; `wait_s` is after how many seconds it may be worth while to ask again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"open for {wait_s:.1f} s")
        self.wait_s = wait_s


@dataclass(frozen=True)
class Admission:
    """A call that was let through; `record` is told how it ended."""

    generation: int


class Breaker:
    """One service's breaker on one node."""

    def __init__(self, policy: BreakerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy, self._clock = policy, clock
        self.state = State.CLOSED
        self.transitions: Counter[tuple[State, State]] = Counter()
        self._generation = 0
        self._window: deque[tuple[float, bool]] = deque(maxlen=policy.breaker_window_calls)  # (when, whether it failed)
        self._rounds = 0  # how often in a row it was opened
        self._open_until = 0.0
        self._permits = self._good_probes = 0

    def admit(self) -> Admission:
        """Lets a call through, or raises OpenError."""
        now = self._clock()
        if self.state is State.OPEN:
            if now < self._open_until:
                raise OpenError(self._open_until - now)
            self._become(State.HALF_OPEN)
            self._permits, self._good_probes = self._policy.breaker_probes, 0
        if self.state is State.HALF_OPEN:
            if not self._permits:
                raise OpenError(self._policy.call_timeout_s)
            self._permits -= 1
        return Admission(self._generation)

    def record(self, admission: Admission, outcome: Outcome) -> None:
        """Notes how the call of `admission` ended. One that was let through in an earlier state says nothing."""
        if admission.generation != self._generation:
            return
        if self.state is State.CLOSED:
            self._count(outcome)
        elif outcome is Outcome.FAILURE:
            self._open()
        elif outcome is Outcome.NEITHER:
            self._permits += 1
        else:
            self._good_probes += 1
            if self._good_probes == self._policy.breaker_probes:
                self._close()

    def _count(self, outcome: Outcome) -> None:
        if outcome is Outcome.NEITHER:
            return
        now = self._clock()
        self._window.append((now, outcome is Outcome.FAILURE))
        while self._window[0][0] <= now - self._policy.breaker_window_s:
            self._window.popleft()
        failed = sum(failure for _, failure in self._window)
        enough = len(self._window) >= self._policy.breaker_min_calls
        if enough and 100 * failed >= self._policy.breaker_failure_percent * len(self._window):
            self._open()

    def _open(self) -> None:
        self._become(State.OPEN)
        wait_s = min(self._policy.breaker_wait_s * 2**self._rounds, self._policy.breaker_longest_wait_s)
        self._open_until = self._clock() + wait_s * random.uniform(1, 1 + SPREAD)
        self._rounds += 1

    def _close(self) -> None:
        self._become(State.CLOSED)
        self._window.clear()
        self._rounds = 0

    def _become(self, state: State) -> None:
        self.transitions[self.state, state] += 1
        self.state = state
        self._generation += 1
