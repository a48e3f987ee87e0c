"""What an operator may set for tenants and their data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, positive

KEY_BYTES = 32  # AES-256


@dataclass(frozen=True)
class TenantSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    postgres_url: str = field(repr=False)  # of an administrator: used to migrate and to open a tenant, never to serve
    service_password: str = field(repr=False)  # of the role by which nodes serve
    redis_url: str = field(repr=False)  # may hold a password
    master_key: bytes = field(repr=False)  # wraps the keys of all tenants; 64 hex digits
    db_connections: int  # of this node
    tenant_connections: int  # the most of these that one tenant may hold at once
    report_ttl_s: int  # how long a report may be shown again without being made anew

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "TenantSettings":
        """Reads the settings from `environ`; raises SettingsError, which never shows a secret's value."""
        connections = int(positive(environ, "DB_CONNECTIONS", 10))
        return cls(
            postgres_url=environ.get("POSTGRES_URL", "postgresql://postgres@localhost:5432/postgres"),
            service_password=_secret(environ, "SERVICE_PASSWORD"),
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            master_key=_key(environ, "MASTER_KEY"),
            db_connections=connections,
            tenant_connections=int(positive(environ, "TENANT_CONNECTIONS", max(1, connections // 2))),
            report_ttl_s=int(positive(environ, "REPORT_TTL_S", 60)),
        )


def _secret(environ: Mapping[str, str], name: str) -> str:
    if not (secret := environ.get(name, "")):
        raise SettingsError(f"{name}: expected a password, got none")
    return secret


def _key(environ: Mapping[str, str], name: str) -> bytes:
    try:
        key = bytes.fromhex(environ.get(name, ""))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{name}: expected {2 * KEY_BYTES} hex digits")
    return key
