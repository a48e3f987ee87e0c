"""What an operator may set for circuit breakers."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..settings import SettingsError, positive


@dataclass(frozen=True)
class BreakerSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    upstream_url: str
    breaker_window_calls: int  # so many of the last calls are looked at
    breaker_window_s: float  # and none that is older
    breaker_min_calls: int  # fewer say nothing
    breaker_failure_percent: float  # of these have to fail
    breaker_wait_s: float  # for how long an open breaker lets nothing through, at first
    breaker_longest_wait_s: float  # what that grows to, while it goes on failing
    breaker_probes: int  # calls that are let through to see whether the service is well
    call_slow_s: float  # an answer that takes as long counts as a failure
    call_timeout_s: float
    fallback_longest_s: float  # an answer that is older is given to nobody any more

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "BreakerSettings":
        """Reads the settings from `environ`; raises SettingsError, which names every one that makes no sense."""
        read = _Reader(environ)
        settings = cls(
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            breaker_window_calls=read.whole("BREAKER_WINDOW_CALLS", 20),
            breaker_window_s=read.positive("BREAKER_WINDOW_S", 30),
            breaker_min_calls=read.whole("BREAKER_MIN_CALLS", 10),
            breaker_failure_percent=read.percent("BREAKER_FAILURE_PERCENT", 50),
            breaker_wait_s=read.positive("BREAKER_WAIT_S", 5),
            breaker_longest_wait_s=read.positive("BREAKER_LONGEST_WAIT_S", 60),
            breaker_probes=read.whole("BREAKER_PROBES", 3),
            call_slow_s=read.positive("CALL_SLOW_S", 2),
            call_timeout_s=read.positive("CALL_TIMEOUT_S", 5),
            fallback_longest_s=read.positive("FALLBACK_LONGEST_S", 300),
        )
        if wrong := read.wrong or settings._contradictions():
            raise SettingsError("\n".join(wrong))
        return settings

    def _contradictions(self) -> list[str]:
        found = []
        if self.breaker_window_calls < self.breaker_min_calls:
            found.append(f"BREAKER_WINDOW_CALLS: expected {self.breaker_min_calls} or more (BREAKER_MIN_CALLS)")
        if self.breaker_longest_wait_s < self.breaker_wait_s:
            found.append(f"BREAKER_LONGEST_WAIT_S: expected {self.breaker_wait_s:g} or more (BREAKER_WAIT_S)")
        return found


class _Reader:
    """Reads one setting after the other, and notes what is wrong with them, so that an operator is told all at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.wrong: list[str] = []

    def positive(self, name: str, default: float) -> float:
        try:
            return positive(self._environ, name, default)
        except SettingsError as error:
            self.wrong.append(str(error))
            return default

    def whole(self, name: str, default: int) -> int:
        value = self.positive(name, default)
        if value != int(value):
            self.wrong.append(f"{name}: expected a whole number, got {value:g}")
        return int(value)

    def percent(self, name: str, default: float) -> float:
        value = self.positive(name, default)
        if value > 100:
            self.wrong.append(f"{name}: expected at most 100, got {value:g}")
        return value
