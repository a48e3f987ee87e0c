"""What an operator may set, read once from the environment when a node starts."""

import math
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET_MIN_BYTES = 32  # RFC 7518, section 3.2: an HS256 key is at least as long as the hash it feeds


class SettingsError(ValueError):
    """A setting is missing or makes no sense; the message names it and says what was expected."""


@dataclass(frozen=True)
class Settings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    jwt_secret: str = field(repr=False)  # verifies the sessions that the identity provider issued (HS256)
    redis_url: str = field(repr=False)  # may hold a password
    node_name: str
    port: int
    capabilities: tuple[str, ...]  # comma list
    allowed_origins: tuple[str, ...]  # comma list; a browser page of any other origin is refused
    history_size: int  # updates kept for each channel
    history_ttl_s: int  # how long they are kept after the last one
    outbox_limit_bytes: int  # what may wait for one connection before its peer counts as too slow
    ws_ping_interval_s: float
    ws_ping_timeout_s: float
    presence_ttl_s: float  # how long the users of a node that died are still shown as present

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the settings from `environ`; raises SettingsError, which never shows a secret's value."""
        secret = environ.get("JWT_SECRET", "")
        if (length := len(secret.encode())) < SECRET_MIN_BYTES:
            raise SettingsError(f"JWT_SECRET: expected at least {SECRET_MIN_BYTES} bytes, got {length}")
        return cls(
            jwt_secret=secret,
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            node_name=environ.get("NODE_NAME", socket.gethostname()),
            port=int(_positive(environ, "PORT", 8000)),
            capabilities=_names(environ, "CAPABILITIES"),
            allowed_origins=_names(environ, "ALLOWED_ORIGINS"),
            history_size=int(_positive(environ, "HISTORY_SIZE", 1000)),
            history_ttl_s=math.ceil(_positive(environ, "HISTORY_TTL_S", 3600)),
            outbox_limit_bytes=int(_positive(environ, "OUTBOX_LIMIT_BYTES", 1024 * 1024)),
            ws_ping_interval_s=_positive(environ, "WS_PING_INTERVAL_S", 20),
            ws_ping_timeout_s=_positive(environ, "WS_PING_TIMEOUT_S", 20),
            presence_ttl_s=_positive(environ, "PRESENCE_TTL_S", 10),
        )


def _positive(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise SettingsError(f"{name}: expected a number above 0, got {text!r}")
    return value


def _names(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
