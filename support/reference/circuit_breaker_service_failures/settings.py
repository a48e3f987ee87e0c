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
        """Reads the settings from `environ`; raises SettingsError."""
        settings = cls(
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            breaker_window_calls=_whole(environ, "BREAKER_WINDOW_CALLS", 20),
            breaker_window_s=positive(environ, "BREAKER_WINDOW_S", 30),
            breaker_min_calls=_whole(environ, "BREAKER_MIN_CALLS", 10),
            breaker_failure_percent=_percent(environ, "BREAKER_FAILURE_PERCENT", 50),
            breaker_wait_s=positive(environ, "BREAKER_WAIT_S", 5),
            breaker_longest_wait_s=positive(environ, "BREAKER_LONGEST_WAIT_S", 60),
            breaker_probes=_whole(environ, "BREAKER_PROBES", 3),
            call_slow_s=positive(environ, "CALL_SLOW_S", 2),
            call_timeout_s=positive(environ, "CALL_TIMEOUT_S", 5),
            fallback_longest_s=positive(environ, "FALLBACK_LONGEST_S", 300),
        )
        settings._refuse_contradictions()
        return settings

    def _refuse_contradictions(self) -> None:
        if self.breaker_window_calls < self.breaker_min_calls:
            raise SettingsError(f"BREAKER_WINDOW_CALLS: expected {self.breaker_min_calls} or more (BREAKER_MIN_CALLS)")
        if self.breaker_longest_wait_s < self.breaker_wait_s:
            raise SettingsError(f"BREAKER_LONGEST_WAIT_S: expected {self.breaker_wait_s:g} or more (BREAKER_WAIT_S)")


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    value = positive(environ, name, default)
    if value != int(value):
        raise SettingsError(f"{name}: expected a whole number, got {value:g}")
    return int(value)


def _percent(environ: Mapping[str, str], name: str, default: float) -> float:
    value = positive(environ, name, default)
    if value > 100:
        raise SettingsError(f"{name}: expected at most 100, got {value:g}")
    return value
