"""What an operator may set for billing and its copy in analytics."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import positive


@dataclass(frozen=True)
class DatabaseSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    postgres_url: str = field(repr=False)  # may hold a password
    clickhouse_url: str = field(repr=False)  # the same
    clickhouse_timeout_s: float  # how long analytics may be silent before it counts as unreachable
    relay_interval_s: float  # how often the outbox is looked into
    relay_batch: int  # events that are shipped at once
    outbox_max_attempts: int  # an event that analytics has refused so often is parked

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "DatabaseSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            postgres_url=environ.get("POSTGRES_URL", "postgresql://postgres@localhost:5432/postgres"),
            clickhouse_url=environ.get("CLICKHOUSE_URL", "clickhouse://default@localhost:9000/default"),
            clickhouse_timeout_s=positive(environ, "CLICKHOUSE_TIMEOUT_S", 5),
            relay_interval_s=positive(environ, "RELAY_INTERVAL_S", 0.5),
            relay_batch=int(positive(environ, "RELAY_BATCH", 500)),
            outbox_max_attempts=int(positive(environ, "OUTBOX_MAX_ATTEMPTS", 5)),
        )
