"""How the reference platform is asked for live updates: routes, messages, close codes, and what its tokens say."""

import json
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import requests
from websocket import WebSocket

from support.capabilities.websocket_redis_pubsub.client import (
    Counts,
    Ending,
    Event,
    Gap,
    Grant,
    Joined,
    Left,
    Line,
    Position,
    Refusal,
    Refused,
    Session,
    Signature,
    Strange,
    Taken,
    Update,
)
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient
from support.clients.websocket_client import dial
from support.platforms.platform import Door
from support.promise import broken

_BACKEND_SESSION_S = 600
_REFUSALS = {401: Refusal.UNAUTHENTICATED, 403: Refusal.FORBIDDEN, 503: Refusal.UNAVAILABLE}
_ERRORS = {"forbidden": Refusal.FORBIDDEN, "unavailable": Refusal.UNAVAILABLE}
_ENDINGS = {
    1001: Ending.LEAVING,  # going away (RFC 6455 section 7.4.1)
    1012: Ending.LEAVING,  # service restart (IANA's registry of close codes)
    1008: Ending.NOT_ALLOWED,  # policy violation
    4008: Ending.TOO_SLOW,  # of the range for private use
}


class Adapter(NodeClient):
    """One gateway of the reference platform, where a backend shows a session as users do."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._door = door
        self._identity = IdentityProvider(door.environment["JWT_SECRET"])

    def session(self, grant: Grant) -> Session:
        """A JSON Web Token."""
        if grant.signature is Signature.NONE:
            return self._identity.unsigned(grant.user, grant.channels)
        issuer = IdentityProvider("x" * 64) if grant.signature is Signature.FOREIGN else self._identity
        return issuer.token(grant.user, grant.channels, exp=grant.expires)

    def enter(self, session: Session | None, site: str | None = None) -> Line | Refusal:
        """A program shows its token in a header; a browser sends a cookie along, and the page's origin."""
        shown: dict[str, Any] = {"origin": site} if site else {}
        if session:
            shown |= {"cookie": f"session={session}"} if site else {"header": {"Authorization": f"Bearer {session}"}}
        entered = dial(self._door, "/realtime", **shown)
        if isinstance(entered, WebSocket):
            return ReferenceLine(entered)
        if entered == 403:
            return Refusal.FOREIGN_SITE
        return _REFUSALS.get(entered) or broken(f"{self.name} refused a WebSocket with {entered}")

    def write(self, session: Session | None, channel: str, data: Any) -> Refusal | None:
        """By HTTP."""
        answer = self.ask("POST", _path(channel, "updates"), {"data": data}, session or "")
        return self._outcome(answer, 201)

    def look(self, session: Session | None, channel: str) -> Refusal | None:
        """By HTTP."""
        answer = self.ask("GET", _path(channel, "presence"), token=session or "")
        return self._outcome(answer, 200)

    def end_session(self, session: Session) -> Refusal | None:
        """By HTTP."""
        return self._outcome(self.ask("DELETE", "/session", token=session), 204)

    def publish(self, channel: str, data: Any) -> Position | Refusal:
        """By HTTP."""
        answer = self.ask("POST", _path(channel, "updates"), {"data": data}, self._backend(channel))
        if refusal := _REFUSALS.get(answer.status_code):
            return refusal
        place = self.expect(answer, 201, "epoch", "offset")
        return Position(place["epoch"], place["offset"])

    def present(self, channel: str) -> dict[str, int]:
        """By HTTP."""
        answer = self.ask("GET", _path(channel, "presence"), token=self._backend(channel))
        return dict(self.expect(answer, 200, "users")["users"])

    def counts(self) -> Counts:
        """By HTTP."""
        said = self.expect(self.ask("GET", "/status"), 200, "connections", "channels", "tasks")
        return Counts(said["connections"], said["channels"], said["tasks"])

    def _backend(self, channel: str) -> Session:
        return self.session(Grant("backend", (channel,), int(time.time()) + _BACKEND_SESSION_S))

    def _outcome(self, answer: requests.Response, done: int) -> Refusal | None:
        refusal = _REFUSALS.get(answer.status_code)
        if refusal is None:
            self.expect(answer, done)
        return refusal


class ReferenceLine:
    """A connection to a gateway. It answers requests in the order in which they came."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket

    def watch(self, channel: str, after: Position | None) -> None:
        """One message."""
        self._say("subscribe", channel, **({"after": after._asdict()} if after else {}))

    def leave(self, channel: str) -> None:
        """One message."""
        self._say("unsubscribe", channel)

    def publish(self, channel: str, data: Any) -> None:
        """One message."""
        self._say("publish", channel, data=data)

    def take(self, frame: bytes) -> Iterable[Event]:
        """One message."""
        return [event_in(frame)]

    def ending(self, code: int | None) -> Ending:
        """By the table."""
        return _ENDINGS.get(code or 0, Ending.OTHER)

    def _say(self, kind: str, channel: str, **more: Any) -> None:
        self.socket.send(json.dumps({"type": kind, "channel": channel, **more}))


def event_in(frame: bytes) -> Event:
    """What a message of the gateway says; Strange where it is not as the protocol has it."""
    try:
        return _event(json.loads(frame))
    except (ValueError, TypeError, LookupError):
        return Strange(frame.decode(errors="replace"))


def _event(said: Any) -> Event:
    match said:
        case {"type": "update", "channel": str(channel), "data": data}:
            return Update(channel, _position(said), data)
        case {"type": "gap", "channel": str(channel)}:
            return Gap(channel, _position(said))
        case {"type": "subscribed", "channel": str(channel), "recovered": bool() | None as whole, "updates": list(got)}:
            position = _position(said)
            missed = (Update(channel, Position(position.epoch, one["offset"]), one["data"]) for one in got)
            return Joined(channel, position, whole, tuple(missed))
        case {"type": "unsubscribed", "channel": str(channel)}:
            return Left(channel)
        case {"type": "published", "channel": str(channel)}:
            return Taken(channel)
        case {"type": "error", "channel": str(channel), "error": str(error)} if error in _ERRORS:
            return Refused(channel, _ERRORS[error])
    raise ValueError(said)


def _position(said: Any) -> Position:
    match said:
        case {"epoch": str(epoch), "offset": int(offset)}:
            return Position(epoch, offset)
    raise ValueError(said)


def _path(channel: str, what: str) -> str:
    return f"/channels/{quote(channel, safe='')}/{what}"
