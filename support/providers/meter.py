"""The meter: every request that arrived, when, from whom, and what became of it."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

CALLER, PROVIDER = "caller", "provider"  # who cut a request short
_SECRET = b"authorization"


@dataclass(slots=True)
class Arrival:
    """A request whose body has arrived whole. Times in seconds since the epoch; `ended` is None while it is open.

    `executed`: it was carried out, whatever was answered. `status` is what was answered; None when `cut`.
    """

    seq: int
    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    source: str
    arrived: float = field(default_factory=time.time)
    fields: dict[str, Any] = field(default_factory=dict)
    executed: bool = False
    ended: float | None = None
    status: int | None = None
    cut: str | None = None

    def header(self, name: str) -> str:
        """The header's value, or nothing."""
        return next((value.decode("latin-1") for known, value in self.headers if known == name.encode()), "")

    def matches(self, wanted: Mapping[str, Any]) -> bool:
        """Whether all that is `wanted` is so: `method`, `path` (a pattern as of a shell), and any of its fields."""
        return all(self._has(name, str(value)) for name, value in wanted.items())

    def row(self) -> dict[str, Any]:
        """The request as JSON. What a caller proves itself by is not shown."""
        own = {name: getattr(self, name) for name in ("seq", "arrived", "ended", "method", "path", "source")}
        told = {name: getattr(self, name) for name in ("executed", "status", "cut", "fields")}
        headers = {
            name.decode("latin-1"): "..." if name == _SECRET else value.decode("latin-1")
            for name, value in self.headers
        }
        body = self.body.decode("utf-8", "replace")
        return own | told | {"query": dict(parse_qsl(self.query)), "headers": headers, "body": body}

    def _has(self, name: str, value: str) -> bool:
        if name == "method":
            return self.method == value
        if name == "path":
            return fnmatchcase(self.path, value)
        return str(self.fields.get(name)) == value


class Meter:
    """All arrivals since the start, or since everything was forgotten; `seq` counts on over that."""

    def __init__(self) -> None:
        self.last = 0  # the number of the last request that arrived
        self._arrivals: list[Arrival] = []

    def note(self, **request: Any) -> Arrival:
        """Records a request that has arrived."""
        self.last += 1
        arrival = Arrival(seq=self.last, **request)
        self._arrivals.append(arrival)
        return arrival

    def read(self, since: int, wanted: Mapping[str, Any]) -> list[Arrival]:
        """Those after the number `since` that match `wanted`, in the order of their arrival."""
        return [arrival for arrival in self._arrivals if arrival.seq > since and arrival.matches(wanted)]

    def forget(self) -> None:
        """Forgets them all."""
        self._arrivals.clear()


def check(wanted: Mapping[str, Any], names: Collection[str]) -> None:
    """Raises ValueError for what no request has: a name that is misspelt matches none, and nobody would notice."""
    known = ("method", "path", *names)
    if unknown := set(wanted) - set(known):
        raise ValueError(f"a request has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")
