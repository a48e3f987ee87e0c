"""What an operator may set for live updates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import names, positive


@dataclass(frozen=True)
class WebsocketSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password
    allowed_origins: tuple[str, ...]  # comma list; a browser page of any other origin is refused
    history_size: int  # updates kept for each channel
    history_ttl_s: int  # how long they are kept after the last one
    outbox_limit_bytes: int  # what may wait for one connection before its peer counts as too slow
    presence_ttl_s: float  # how long the users of a node that died are still shown as present

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "WebsocketSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            allowed_origins=names(environ, "ALLOWED_ORIGINS"),
            history_size=int(positive(environ, "HISTORY_SIZE", 1000)),
            history_ttl_s=math.ceil(positive(environ, "HISTORY_TTL_S", 3600)),
            outbox_limit_bytes=int(positive(environ, "OUTBOX_LIMIT_BYTES", 1024 * 1024)),
            presence_ttl_s=positive(environ, "PRESENCE_TTL_S", 10),
        )
