"""What an operator may set for every node, read once from the environment when it starts.

What only one capability needs stands in a module of its own, which reads it with the functions that end this one.
"""

import math
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

SECRET_MIN_BYTES = 32  # RFC 7518, section 3.2: an HS256 key is at least as long as the hash it feeds


class SettingsError(ValueError):
    """A setting is missing or makes no sense; the message names it and says what was expected."""


@dataclass(frozen=True)
class Settings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    jwt_secret: str = field(repr=False)  # verifies the sessions that the identity provider issued (HS256)
    node_name: str
    port: int
    workers: int  # processes that serve it
    capabilities: tuple[str, ...]  # comma list
    ws_ping_interval_s: float
    ws_ping_timeout_s: float

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the settings from `environ`; raises SettingsError, which never shows a secret's value."""
        secret = environ.get("JWT_SECRET", "")
        if (length := len(secret.encode())) < SECRET_MIN_BYTES:
            raise SettingsError(f"JWT_SECRET: expected at least {SECRET_MIN_BYTES} bytes, got {length}")
        return cls(
            jwt_secret=secret,
            node_name=environ.get("NODE_NAME", socket.gethostname()),
            port=int(positive(environ, "PORT", 8000)),
            workers=int(positive(environ, "WORKERS", 1)),
            capabilities=names(environ, "CAPABILITIES"),
            ws_ping_interval_s=positive(environ, "WS_PING_INTERVAL_S", 20),
            ws_ping_timeout_s=positive(environ, "WS_PING_TIMEOUT_S", 20),
        )


class Environment(Mapping[str, str]):
    """The environment, which remembers what was read of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._read.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)

    def refuse_unknown(self) -> None:
        """Raises SettingsError when SETTINGS, the comma list of what an operator has set, names what nobody reads."""
        asked = names(self, "SETTINGS")
        for name in asked:
            if name not in self._read:
                near = "".join(f"; did you mean {known}?" for known in get_close_matches(name, self._read, 1))
                raise SettingsError(f"{name}: there is no such setting{near}")


def positive(environ: Mapping[str, str], name: str, default: float) -> float:
    """The number above 0 that `name` is set to, or `default`; raises SettingsError for anything else."""
    text = environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise SettingsError(f"{name}: expected a number above 0, got {text!r}")
    return value


def names(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The parts of the comma list that `name` is set to; none where it is not set."""
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
