"""The suite's side of a provider: it is told how to misbehave, and asked what arrived, on its control port."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

import requests

from support.containers.fleet import Fleet
from support.containers.provider import ProviderService
from support.containers.toxiproxy import ToxiproxyService
from support.errors import FaultError, FleetError, ProbeError
from support.polling import poll

_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Arrival:
    """A request that arrived at a provider, by its meter.

    Times in seconds since the epoch, on the clock of this machine. `via` is the host that the caller had been told,
    the name of a node where the control knows its links. `executed`: it was carried out, whatever was answered.
    `status` is None while it is open and when it was `cut`, by the "caller" or the "provider".
    """

    seq: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    fields: Mapping[str, Any]
    source: str
    via: str
    arrived: float
    ended: float | None
    executed: bool
    status: int | None
    cut: str | None

    @property
    def open(self) -> bool:
        """Whether its caller still waits for the answer."""
        return self.ended is None


class ProviderControl:
    """The control port of one provider. Every call raises ProbeError when the provider does not answer."""

    def __init__(self, name: str, url: str, callers: Mapping[str, str] | None = None) -> None:
        """`name` is the provider's, for messages; `callers` are the nodes by host:port that each calls it by."""
        self.name = name
        self._url = url
        self._callers = callers or {}
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy stands between the suite and its own containers

    @classmethod
    def of(cls, fleet: Fleet, kind: str) -> Self:
        """The control port of the fleet's provider of `kind`. Raises FleetError when it has none."""
        service = fleet.named(kind)
        if not isinstance(service, ProviderService):
            raise FleetError(f"{kind} is no provider")
        links = [(name.partition(":"), port) for name, port in fleet.links.items()]
        callers = {f"{ToxiproxyService.kind}:{port}": user for (store, _, user), port in links if store == kind}
        return cls(kind, service.control_url, callers)

    def arm(
        self, do: str, times: int | None = 1, nth: int = 1, match: Mapping[str, Any] | None = None, **how: Any
    ) -> "ArmedFault":
        """Arms a fault on requests that `match` (method, path as a pattern, the provider's own fields).

        `do` is one of
        - hold_before, hold_after: it waits until released, before it is carried out or before it is answered;
        - drop_after: it is carried out, and the connection is reset in the place of an answer;
        - status (status=503, when="before" or "after", headers={...}): it is refused, carried out or not;
        - slow (ms=300): it waits before it is carried out;
        - drip (ms=300): it is carried out, and its answer's head goes out at once, its body bit by bit in that time;
        - hang, reset: no answer ever, or a connection that is reset; part="head" or "body" says what goes out before:
          the answer's head, or half of its body too; of one in pieces, `pieces` whole ones and half of the next.

        It hits the `nth` request and those after it, `times` in all; with None, until it is healed. Raises FaultError
        when the provider knows no such fault.
        """
        said = {"do": do, "times": times, "nth": nth, "match": match or {}, **how}
        answer = self._request("POST", "/faults", said)
        if answer.status_code != 201:
            raise FaultError(f"{self.name} does not take the fault {said}: {answer.text}")
        return ArmedFault(self, answer.json()["id"], f"{do} of {dict(match or {}) or 'every request'} at {self.name}")

    def heal(self) -> None:
        """Ends every fault: whom one holds goes on, and whoever hangs is cut."""
        self.ask("DELETE", "/faults")

    def mark(self) -> int:
        """A moment of the meter, for `since`: the number of the last request that arrived, or 0."""
        return int(self.ask("GET", "/meter", query={"since": str(sys.maxsize)})["last"])

    def arrivals(self, since: int = 0, **match: Any) -> list[Arrival]:
        """The requests that arrived after the number `since` and match, in that order."""
        asked = {"since": str(since), **{name: str(value) for name, value in match.items()}}
        found = self.ask("GET", "/meter", query=asked)["requests"]
        return [self._arrival(row) for row in found]

    def await_arrivals(self, count: int, within_s: float, since: int = 0, **match: Any) -> list[Arrival]:
        """The requests that match once there are `count`; those that there are at the deadline, if fewer."""
        poll(lambda: len(self.arrivals(since, **match)) >= count, within_s)
        return self.arrivals(since, **match)

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """One request to the control port; its answer as JSON. Raises ProbeError, also when it is refused."""
        answer = self._request(method, path, body, query)
        if not answer.ok:
            raise ProbeError(f"{self.name} refused {method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def close(self) -> None:
        """Ends every fault, takes back all else that the provider was told, and gives the connections back."""
        self.ask("POST", "/calm")
        self._http.close()

    def seen(self, rows: Collection[Mapping[str, Any]]) -> list[Arrival]:
        """Rows of the meter as arrivals."""
        return [self._arrival(row) for row in rows]

    def _arrival(self, row: Mapping[str, Any]) -> Arrival:
        host = row["headers"].get("host", "")
        return Arrival(**row, via=self._callers.get(host, host))

    def _request(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None
    ) -> requests.Response:
        try:
            return self._http.request(method, self._url + path, json=body, params=query, timeout=_ANSWERS_WITHIN_S)
        except requests.RequestException as error:
            raise ProbeError(f"{self.name} gave no answer to {method} {path} on its control port: {error}") from error


class ArmedFault:
    """A fault that a provider was told. What was told to happen and did not is a FaultError."""

    def __init__(self, control: ProviderControl, number: int, what: str) -> None:
        self._control, self._number, self._what = control, number, what

    def hits(self) -> list[int]:
        """The numbers of the requests that it has hit."""
        return list(self._state()["hits"])

    def waiting(self) -> list[Arrival]:
        """The requests that it holds now."""
        return self._control.seen(self._state()["waiting"])

    def await_hits(self, count: int = 1, within_s: float = 5.0) -> list[int]:
        """Returns once it has hit `count` requests, with their numbers. Raises FaultError at the deadline."""
        if not poll(lambda: len(self.hits()) >= count, within_s, 0.01):
            raise FaultError(f"{self._what} was to hit {count}, and hit {len(self.hits())} within {within_s:g} s")
        return self.hits()

    def await_waiting(self, count: int = 1, within_s: float = 5.0) -> list[Arrival]:
        """Returns once it holds `count` requests, with these. Raises FaultError at the deadline."""
        if not poll(lambda: len(self.waiting()) >= count, within_s, 0.01):
            raise FaultError(f"{self._what} was to hold {count}, and held {len(self.waiting())} within {within_s:g} s")
        return self.waiting()

    def release(self, *seqs: int) -> None:
        """Lets those that it holds go on, or only the requests `seqs`; one that hangs is cut. It stays armed."""
        self._control.ask("POST", f"/faults/{self._number}/release", {"requests": list(seqs) or None, "cut": False})

    def cut(self, *seqs: int) -> None:
        """Resets the connections of those that it holds, or only of the requests `seqs`. It stays armed."""
        self._control.ask("POST", f"/faults/{self._number}/release", {"requests": list(seqs) or None, "cut": True})

    def heal(self) -> None:
        """Ends it: whom it holds goes on, and whoever hangs is cut."""
        self._control.ask("DELETE", f"/faults/{self._number}")

    def _state(self) -> Any:
        return self._control.ask("GET", f"/faults/{self._number}")
