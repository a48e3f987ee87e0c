"""What an operator may set for cached prices and pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, names, positive


@dataclass(frozen=True)
class CacheSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password, as the next two may
    redis_cluster_url: tuple[str, ...] = field(repr=False)  # comma list: some members of one cluster
    postgres_url: str = field(repr=False)
    cache_ttl_s: float  # the longest that anything is kept
    cache_ttl_jitter: float  # by up to this part of it an entry ends earlier, so that not all end at once
    cache_local_entries: int  # how many each node keeps in its own memory
    origin_connections: int  # the most questions that a node asks the database at once

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "CacheSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        jitter = positive(environ, "CACHE_TTL_JITTER", 0.2)
        if jitter >= 1:
            raise SettingsError(f"CACHE_TTL_JITTER: expected a part of 1, got {jitter:g}")
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            redis_cluster_url=names(environ, "REDIS_CLUSTER_URL") or ("redis://localhost:7000/0",),
            postgres_url=environ.get("POSTGRES_URL", "postgresql://postgres@localhost:5432/postgres"),
            cache_ttl_s=positive(environ, "CACHE_TTL_S", 300),
            cache_ttl_jitter=jitter,
            cache_local_entries=int(positive(environ, "CACHE_LOCAL_ENTRIES", 10_000)),
            origin_connections=int(positive(environ, "ORIGIN_CONNECTIONS", 10)),
        )
