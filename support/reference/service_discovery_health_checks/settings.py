"""What an operator may set for service discovery."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..settings import names, positive


@dataclass(frozen=True)
class DiscoverySettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    consul_url: str
    discovery_dns: str  # host:port of Consul's DNS
    discovery_service: str  # what an instance offers; a node without it is a gateway
    discovery_name: str  # what an instance is called by people; several may be called the same
    discovery_tags: tuple[str, ...]  # comma list
    discovery_check_interval_s: float
    discovery_check_failures: int  # in a row, until an instance gets no calls
    discovery_check_successes: int  # in a row, until it gets some again
    discovery_ttl_s: float  # an instance that has been silent for so long is dead
    discovery_warm_up_s: float  # for so long after its start an instance is not ready for calls
    discovery_drain_s: float  # for so long an instance that has left the list is still called
    discovery_wait_s: float  # for which a query waits for a change
    discovery_call_timeout_s: float

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "DiscoverySettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            consul_url=environ.get("CONSUL_URL", "http://localhost:8500"),
            discovery_dns=environ.get("DISCOVERY_DNS", "localhost:8600"),
            discovery_service=environ.get("DISCOVERY_SERVICE", ""),
            discovery_name=environ.get("DISCOVERY_NAME", ""),
            discovery_tags=names(environ, "DISCOVERY_TAGS"),
            discovery_check_interval_s=positive(environ, "DISCOVERY_CHECK_INTERVAL_S", 5),
            discovery_check_failures=int(positive(environ, "DISCOVERY_CHECK_FAILURES", 2)),
            discovery_check_successes=int(positive(environ, "DISCOVERY_CHECK_SUCCESSES", 2)),
            discovery_ttl_s=positive(environ, "DISCOVERY_TTL_S", 10),
            discovery_warm_up_s=positive(environ, "DISCOVERY_WARM_UP_S", 1),
            discovery_drain_s=positive(environ, "DISCOVERY_DRAIN_S", 2),
            discovery_wait_s=positive(environ, "DISCOVERY_WAIT_S", 30),
            discovery_call_timeout_s=positive(environ, "DISCOVERY_CALL_TIMEOUT_S", 5),
        )
