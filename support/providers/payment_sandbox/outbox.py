"""The outbox: events go out as webhooks, again until they are taken; or are held, and go as they are told to."""

import asyncio
import hashlib
import itertools
import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from .books import Books, Object
from .signature import RIGHTLY, Sign

_TAKEN_WITHIN_S = 4.0  # less than whoever asked for a delivery waits
_PARTY = ("type", "order", "customer")
logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for each request


@dataclass(frozen=True)
class Endpoint:
    """Where webhooks go: a node's name and address, and the secrets that are live."""

    name: str
    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Letter:
    """What is delivered: the bytes of an event, or others; how they are signed, and which byte is changed then."""

    event: Object
    body: bytes
    sign: Sign = RIGHTLY
    flip: int | None = None

    @property
    def sent(self) -> bytes:
        """The bytes as they go out."""
        if self.flip is None:
            return self.body
        changed = bytearray(self.body)
        changed[self.flip] ^= 1
        return bytes(changed)


class Outbox:
    """Delivers events to the endpoints, and notes every attempt."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(
            trust_env=False,
            timeout=_TAKEN_WITHIN_S,
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=0),
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self.forget()

    def bind(self, books: Books) -> None:
        """Where an event's parties and the settings are looked up."""
        self._books = books

    def forget(self) -> None:
        """No endpoint, nothing held, nothing on its way."""
        for task in self._tasks:
            task.cancel()
        self.endpoints: list[Endpoint] = []
        self.attempts: list[dict[str, Any]] = []
        self._turns = itertools.count()
        self.calm()

    def calm(self) -> None:
        """Holds no more; what was held is not delivered."""
        self.held: dict[str, Object] = {}
        self._held_match: Mapping[str, Any] | None = None

    def emitted(self, event: Object) -> None:
        """Takes an event that was emitted."""
        if self._held_match is not None and self._concerns(event, self._held_match):
            self.held[event["id"]] = event
        else:
            self._send_off(event)

    def hold(self, match: Mapping[str, Any] | None) -> None:
        """Holds events that `match` (type, order, customer) from now on; with None, lets all go that are held."""
        _check(match or {}, _PARTY)
        self._held_match = match
        if match is None:
            held, self.held = self.held, {}
            for event in held.values():
                self._send_off(event)

    async def release(self, groups: Sequence[Sequence[str]], to: Sequence[str], gap_s: float) -> list[dict[str, Any]]:
        """Delivers held events group after group, those of one at once; returns the attempts, one for each.

        `to` are names of endpoints, taken in turn. What is not taken is delivered again as ever.
        """
        nodes = itertools.cycle([self._named(name) for name in to] or self.endpoints)
        attempts: list[dict[str, Any]] = []
        for number, group in enumerate(groups):
            await asyncio.sleep(gap_s if number else 0)
            letters = [letter(self._event(id_)) for id_ in group]
            done = await asyncio.gather(*[self.deliver(one, next(nodes)) for one in letters])
            attempts += done
            for one, attempt in zip(letters, done, strict=True):
                self.held.pop(one.event["id"], None)
                if not taken(attempt):
                    self._later(self._again(one, self._others(attempt["node"])))
        return attempts

    async def deliver(self, one: Letter, to: Endpoint, number: int = 1) -> dict[str, Any]:
        """One attempt, which is noted and returned. What is not answered in time, or by a redirect, is not taken."""
        began, signature = time.time(), one.sign.header(one.body, to.secrets, int(time.time()))
        headers = [(b"Content-Type", b"application/json; charset=utf-8")]
        headers += [(b"Stripe-Signature", signature)] if signature else []
        order, customer = self.party(one.event)
        attempt = {
            "event": one.event["id"], "type": one.event["type"], "order": order, "customer": customer, "node": to.name,
            "number": number, "at": began, "sign": one.sign.how, "status": None, "answer": "", "error": None,
            "body": hashlib.sha256(one.sent).hexdigest(),
        }  # fmt: skip
        try:
            answer = await self._http.post(to.url, content=one.sent, headers=headers)
            attempt |= {"status": answer.status_code, "answer": answer.text[:500]}
        except httpx.HTTPError as error:
            attempt["error"] = f"{type(error).__name__} {error}".strip()
        attempt["took_s"] = round(time.time() - began, 4)
        self.attempts.append(attempt)
        return attempt

    def to(self, names: Sequence[str]) -> list[Endpoint]:
        """The endpoints of these names, or all."""
        return [self._named(name) for name in names] or self.endpoints

    def party(self, event: Object) -> tuple[str | None, str | None]:
        """The order and the customer that an event is about."""
        return self._books.party(event["data"]["object"])

    def matching(self, match: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The attempts whose members are as in `match`, in the order in which they ended."""
        _check(match, (*_PARTY, "event", "node"))
        return [one for one in self.attempts if all(str(one.get(name)) == value for name, value in match.items())]

    def _send_off(self, event: Object) -> None:
        if self.endpoints and self._books.settings.deliver_to == "all":
            for endpoint in self.endpoints:
                self._later(self._until_taken(letter(event), [endpoint]))
        elif self.endpoints:
            first = next(self._turns) % len(self.endpoints)
            self._later(self._until_taken(letter(event), self.endpoints[first:] + self.endpoints[:first]))

    async def _until_taken(self, one: Letter, endpoints: Sequence[Endpoint]) -> None:
        if not taken(await self.deliver(one, endpoints[0])):
            await self._again(one, [*endpoints[1:], endpoints[0]])

    async def _again(self, one: Letter, endpoints: Sequence[Endpoint]) -> None:
        """Delivers after each of the waits, to the endpoints in turn, until it is taken or given up."""
        turns = itertools.cycle(endpoints)
        for number, wait_s in enumerate(self._books.settings.retry_s, 2):
            await asyncio.sleep(wait_s)
            if taken(await self.deliver(one, next(turns), number)):
                return

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _others(self, name: str) -> list[Endpoint]:
        """All endpoints, the named one last: where a second attempt goes."""
        if self._books.settings.deliver_to == "all":
            return [self._named(name)]
        return sorted(self.endpoints, key=lambda endpoint: endpoint.name == name)

    def _named(self, name: str) -> Endpoint:
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise ValueError(f"there is no endpoint {name}; there are {', '.join(e.name for e in self.endpoints)}")

    def _event(self, id_: str) -> Object:
        return self._books.get("event", id_)

    def _concerns(self, event: Object, match: Mapping[str, Any]) -> bool:
        order, customer = self.party(event)
        has = {"type": event["type"], "order": order, "customer": customer}
        return all(has.get(name) in _some(value) for name, value in match.items())


def letter(event: Object, patch: Mapping[str, Any] | None = None) -> Letter:
    """An event as it is delivered, as indented JSON; with what `patch` changes of it."""
    told = _patched(event, patch or {})
    return Letter(event, json.dumps(told, indent=2, ensure_ascii=False).encode())


def taken(attempt: Mapping[str, Any]) -> bool:
    """Whether the attempt was answered with 2xx."""
    return attempt["status"] is not None and 200 <= attempt["status"] < 300


def _patched(whole: Any, patch: Any) -> Any:
    if not isinstance(whole, dict) or not isinstance(patch, dict):
        return patch
    return {**whole, **{name: _patched(whole.get(name), value) for name, value in patch.items()}}


def _check(match: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raises ValueError for a name that nothing has, which would match nothing, and nobody would notice."""
    if unknown := set(match) - set(known):
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")


def _some(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
