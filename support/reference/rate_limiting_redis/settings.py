"""What an operator may set for rate limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, names, positive


@dataclass(frozen=True)
class RateLimitSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password
    upstream_url: str
    rate_window_s: float  # the limit holds over every window of this length
    rate_plans: Mapping[str, int]  # calls in a window, by plan: "free=10,pro=100"
    rate_open_resources: tuple[str, ...]  # served also while nobody can count over all nodes

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "RateLimitSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            rate_window_s=positive(environ, "RATE_WINDOW_S", 60),
            rate_plans=dict(map(_plan, names(environ, "RATE_PLANS"))),
            rate_open_resources=names(environ, "RATE_OPEN_RESOURCES"),
        )


def _plan(text: str) -> tuple[str, int]:
    name, _, limit = text.partition("=")
    if not (name and limit.isdecimal() and int(limit)):
        raise SettingsError(f'RATE_PLANS: expected plans such as "free=10,pro=100", got {text!r}')
    return name, int(limit)
