"""What an operator may set for sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import positive


@dataclass(frozen=True)
class SessionSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password
    identity_provider_url: str
    identity_provider_key: str = field(repr=False)  # what the node shows to have tokens signed
    identity_issuer: str  # who signs, as tokens say
    identity_audience: str  # whom tokens are for: this platform
    identity_keys_every_s: float  # how old the published keys may get before they are fetched anew
    access_lifetime_s: float
    session_idle_s: float  # a session ends when nobody has used it for so long,
    session_absolute_s: float  # and at the latest so long after it began
    refresh_grace_s: float  # a refresh token that was used is answered in the same way for so long
    support_key: str = field(repr=False)  # shown by the staff's tool, which ends sessions of others; none without it

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "SessionSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            identity_provider_url=environ.get("IDENTITY_PROVIDER_URL", "http://localhost:9000"),
            identity_provider_key=environ.get("IDENTITY_PROVIDER_KEY", ""),
            identity_issuer=environ.get("IDENTITY_ISSUER", "https://identity.example"),
            identity_audience=environ.get("IDENTITY_AUDIENCE", "platform"),
            identity_keys_every_s=positive(environ, "IDENTITY_KEYS_EVERY_S", 300),
            access_lifetime_s=positive(environ, "ACCESS_LIFETIME_S", 300),
            session_idle_s=positive(environ, "SESSION_IDLE_S", 3600 * 24),
            session_absolute_s=positive(environ, "SESSION_ABSOLUTE_S", 3600 * 24 * 30),
            refresh_grace_s=positive(environ, "REFRESH_GRACE_S", 10),
            support_key=environ.get("SUPPORT_KEY", ""),
        )
