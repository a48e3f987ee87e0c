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
    rate_anonymous_plan: str  # of whoever calls without an account; empty where that is not allowed
    rate_proxies: int  # of ours in front of each node, which say where a call comes from

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "RateLimitSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        plans = dict(map(_plan, names(environ, "RATE_PLANS")))
        anonymous, proxies = environ.get("RATE_ANONYMOUS_PLAN", ""), environ.get("RATE_PROXIES", "0")
        if anonymous and anonymous not in plans:
            raise SettingsError(f"RATE_ANONYMOUS_PLAN: expected one of {', '.join(plans)}, got {anonymous!r}")
        if not proxies.isdecimal():
            raise SettingsError(f"RATE_PROXIES: expected how many there are, got {proxies!r}")
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            rate_window_s=positive(environ, "RATE_WINDOW_S", 60),
            rate_plans=plans,
            rate_open_resources=names(environ, "RATE_OPEN_RESOURCES"),
            rate_anonymous_plan=anonymous,
            rate_proxies=int(proxies),
        )


def _plan(text: str) -> tuple[str, int]:
    name, _, limit = text.partition("=")
    if not (name and limit.isdecimal() and int(limit)):
        raise SettingsError(f'RATE_PLANS: expected plans such as "free=10,pro=100", got {text!r}')
    return name, int(limit)
