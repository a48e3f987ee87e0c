"""What an operator may set for tracing."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..settings import SettingsError, positive

ROLES = ("gateway", "service", "worker")


@dataclass(frozen=True)
class TracingSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str
    upstream_url: str  # the partner
    otlp_receiver_url: str  # the collector
    service_url: str  # where a gateway finds the service
    tracing_role: str
    tracing_ratio: float  # of the traces that begin here
    tracing_queue: int  # spans that wait for the collector; more are dropped, and counted
    tracing_batch: int
    tracing_delay_s: float  # a span waits for others for so long
    tracing_timeout_s: float  # of one batch; at the end of a node no batch gets longer either
    order_threads: int
    order_workers: int
    order_attempts: int  # of a shipment, until it is put aside

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "TracingSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        role, ratio = environ.get("TRACING_ROLE", "gateway"), positive(environ, "TRACING_RATIO", 1)
        if role not in ROLES:
            raise SettingsError(f"TRACING_ROLE: expected one of {', '.join(ROLES)}, got {role!r}")
        if ratio > 1:
            raise SettingsError(f"TRACING_RATIO: expected at most 1, got {ratio:g}")
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            otlp_receiver_url=environ.get("OTLP_RECEIVER_URL", "http://localhost:4318"),
            service_url=environ.get("SERVICE_URL", "http://localhost:8000"),
            tracing_role=role,
            tracing_ratio=ratio,
            tracing_queue=int(positive(environ, "TRACING_QUEUE", 2048)),
            tracing_batch=int(positive(environ, "TRACING_BATCH", 512)),
            tracing_delay_s=positive(environ, "TRACING_DELAY_S", 5),
            tracing_timeout_s=positive(environ, "TRACING_TIMEOUT_S", 2),
            order_threads=int(positive(environ, "ORDER_THREADS", 4)),
            order_workers=int(positive(environ, "ORDER_WORKERS", 4)),
            order_attempts=int(positive(environ, "ORDER_ATTEMPTS", 3)),
        )
