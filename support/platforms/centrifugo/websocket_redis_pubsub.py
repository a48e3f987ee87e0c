"""How Centrifugo is asked for live updates: its client protocol (JSON, version 2), and its HTTP API for backends.

What its own client libraries do by themselves is done here, too: they answer pings, and subscribe again from where they
stand when the server says that their state is insufficient.
"""

import json
import struct
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import jwt
from websocket import ABNF, WebSocket

from support.capabilities.websocket_redis_pubsub.client import (
    MAY_RAISE,
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
from support.clients.node_client import NodeClient, member
from support.clients.websocket_client import dial
from support.platforms.platform import Door
from support.promise import broken

_FOREIGN = "x" * 64
_AGAIN_AFTER_S = 0.5  # the first pause of the client libraries after an error that is temporary
_SUBSCRIBE_AGAIN = 2500  # codes of an unsubscription from here on ask for that

# https://centrifugal.dev/docs/server/codes
_ENDINGS = {
    3001: Ending.LEAVING,  # shutdown
    3005: Ending.NOT_ALLOWED,  # connection expired
    3006: Ending.NOT_ALLOWED,  # subscription expired
    3500: Ending.NOT_ALLOWED,  # invalid token
    3503: Ending.NOT_ALLOWED,  # force disconnect, which is what the API's disconnect says
    3507: Ending.NOT_ALLOWED,  # permission denied
    3008: Ending.TOO_SLOW,
    3004: Ending.COME_BACK,  # internal server error
    3010: Ending.COME_BACK,  # insufficient state
}
_REFUSALS = {
    100: Refusal.UNAVAILABLE,  # internal server error
    101: Refusal.UNAUTHENTICATED,
    103: Refusal.FORBIDDEN,  # permission denied
    109: Refusal.UNAUTHENTICATED,  # token expired
    3500: Refusal.UNAUTHENTICATED,
    3501: Refusal.UNAUTHENTICATED,  # bad request, which is what a connection without a token is told
    3507: Refusal.FORBIDDEN,
}


class Adapter(NodeClient):
    """One node. Users reach it over a WebSocket; its HTTP API is the backend's, whose key opens every channel."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._door = door
        self._secret = door.environment["CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY"]
        self._key = {"X-API-Key": door.environment["CENTRIFUGO_HTTP_API_KEY"]}

    def session(self, grant: Grant) -> Session:
        """A token for the connection, which carries for its user a token for each channel."""
        said = {"sub": grant.user} | ({"exp": grant.expires} if grant.expires is not None else {})
        channels = {name: self._signed({**said, "channel": name, "expire_at": 0}, grant) for name in grant.channels}
        return self._signed({**said, "info": {"session": uuid.uuid4().hex}, "channels_of_user": channels}, grant)

    def enter(self, session: Session | None, site: str | None = None) -> Line | Refusal:
        """A page's own script shows the token in its first message; whatever way it was kept."""
        shown: dict[str, Any] = {"origin": site} if site else {}
        socket = dial(self._door, "/connection/websocket", **shown)
        if not isinstance(socket, WebSocket):
            return Refusal.FOREIGN_SITE if socket == 403 else broken(f"{self.name} refused a WebSocket: {socket}")
        line = CentrifugoLine(socket, _claims(session).get("channels_of_user", {}))
        reply = line.call({"connect": {"token": session} if session else {}})
        return self._refusal(reply) or line

    def write(self, session: Session | None, channel: str, data: Any) -> Refusal | None:
        """As a user who watches the channel, on a connection for this alone."""
        return self._as_user(session, channel, {"publish": {"channel": channel, "data": data}})

    def look(self, session: Session | None, channel: str) -> Refusal | None:
        """The same."""
        return self._as_user(session, channel, {"presence": {"channel": channel}})

    def end_session(self, session: Session) -> None:
        """The user is disconnected, but for the connections of other sessions; tokens cannot be revoked."""
        claims = _claims(session)
        everybody = [client for channel in claims["channels_of_user"] for client in self._clients(channel)]
        others = {client["client"] for client in everybody if client.get("conn_info") != claims["info"]}
        self._api("disconnect", user=claims["sub"], whitelist=sorted(others))

    def publish(self, channel: str, data: Any) -> Position | Refusal:
        """By the API."""
        answer = self.ask("POST", "/api/publish", {"channel": channel, "data": data}, headers=self._key)
        if (error := member(answer, "error")) and error["code"] == 100:
            return Refusal.UNAVAILABLE
        place = self.expect(answer, 200, "result")["result"]
        return Position(place["epoch"], place["offset"])

    def present(self, channel: str) -> dict[str, int]:
        """By the API."""
        users = [client["user"] for client in self._clients(channel)]
        return {user: users.count(user) for user in users}

    def counts(self) -> Counts:
        """By its metrics, in Prometheus's text format."""
        lines = [line.split() for line in self.ask("GET", "/metrics").text.splitlines() if not line.startswith("#")]

        def total(name: str) -> int:
            return int(sum(float(words[-1]) for words in lines if words[0].partition("{")[0] == name))

        connections, subscriptions = (f"centrifugo_client_{what}_inflight" for what in ("connections", "subscriptions"))
        return Counts(total(connections), total(subscriptions), total("go_goroutines"))

    def _signed(self, claims: dict[str, Any], grant: Grant) -> str:
        if grant.signature is Signature.NONE:
            return jwt.encode(claims, "", algorithm="none")
        secret = _FOREIGN if grant.signature is Signature.FOREIGN else self._secret
        return jwt.encode(claims, secret, algorithm="HS256")

    def _api(self, method: str, **body: Any) -> dict[str, Any]:
        answer = self.ask("POST", f"/api/{method}", body, headers=self._key)
        return dict(self.expect(answer, 200, "result")["result"])

    def _clients(self, channel: str) -> list[dict[str, Any]]:
        return list(self._api("presence", channel=channel)["presence"].values())

    def _as_user(self, session: Session | None, channel: str, command: dict[str, Any]) -> Refusal | None:
        line = self.enter(session)
        if not isinstance(line, CentrifugoLine):
            return line if isinstance(line, Refusal) else broken(f"{self.name} let in {line}")
        try:
            subscribed = self._refusal(line.call({"subscribe": line.may_watch(channel)}))
            return subscribed or self._refusal(line.call(command))
        finally:
            line.socket.shutdown()

    def _refusal(self, reply: dict[str, Any]) -> Refusal | None:
        if "error" not in reply:
            return None
        code = reply["error"]["code"]
        return _REFUSALS.get(code) or broken(f"{self.name} answered {reply}")


@dataclass
class _Place:
    """Where a user stands in a channel."""

    epoch: str
    offset: int


class CentrifugoLine:
    """A connection. A frame has any number of lines, each of which is a reply, a push, or a ping."""

    def __init__(self, socket: WebSocket, tokens: dict[str, str]) -> None:
        self.socket = socket
        self._tokens = tokens
        self._asked: list[dict[str, Any]] = []  # commands by their number, which begins with 1
        self._places: dict[str, _Place] = {}

    def call(self, command: dict[str, Any]) -> dict[str, Any]:
        """One command before anybody else reads: its reply, or the code with which the connection was closed."""
        number = self._say(command)
        while True:
            opcode, frame = self.socket.recv_data_frame()
            if opcode == ABNF.OPCODE_CLOSE:
                (code,) = struct.unpack("!H", frame.data[:2] or b"\0\0")
                return {"error": {"code": code, "message": frame.data[2:].decode(errors="replace")}}
            for said in map(json.loads, frame.data.splitlines()):
                if said.get("id") == number:
                    return dict(said)
                self._answer_ping(said)

    def may_watch(self, channel: str) -> dict[str, Any]:
        """What a subscribe command says of `channel`; a session without a right to it has no token for it."""
        return {"channel": channel} | ({"token": self._tokens[channel]} if channel in self._tokens else {})

    def watch(self, channel: str, after: Position | None) -> None:
        """subscribe, with recovery from where the user stands."""
        recover = {"recover": True, **after._asdict()} if after else {}
        self._say({"subscribe": self.may_watch(channel) | recover})

    def leave(self, channel: str) -> None:
        """unsubscribe."""
        self._say({"unsubscribe": {"channel": channel}})

    def publish(self, channel: str, data: Any) -> None:
        """publish."""
        self._say({"publish": {"channel": channel, "data": data}})

    def take(self, frame: bytes) -> Iterable[Event]:
        """Each line in turn."""
        return [event for line in frame.split(b"\n") if line for event in self._take(line)]

    def ending(self, code: int | None) -> Ending:
        """By the table."""
        return _ENDINGS.get(code or 0, Ending.OTHER)

    def _say(self, command: dict[str, Any]) -> int:
        self._asked.append(command)
        self.socket.send(json.dumps({"id": len(self._asked), **command}))
        return len(self._asked)

    def _answer_ping(self, said: dict[str, Any]) -> None:
        if not said:
            self.socket.send("{}")

    def _take(self, line: bytes) -> Iterator[Event]:
        try:
            said = json.loads(line)
            self._answer_ping(said)
            if "id" in said:
                yield from self._reply(self._asked[said["id"] - 1], said)
            elif "pub" in said.get("push", {}):
                yield self._update(said["push"]["channel"], said["push"]["pub"])
            elif "unsubscribe" in said.get("push", {}):
                yield from self._lost(said["push"]["channel"], said["push"]["unsubscribe"]["code"])
        except (ValueError, TypeError, LookupError):
            yield Strange(line.decode(errors="replace"))

    def _reply(self, asked: dict[str, Any], said: dict[str, Any]) -> Iterator[Event]:
        ((kind, request),) = asked.items()
        channel, again = request["channel"], request.get("again", False)
        if "error" in said:
            if again and said["error"].get("temporary"):
                self._subscribe_again_later(channel)
            else:
                yield Refused(channel, _REFUSALS[said["error"]["code"]])
        elif kind == "subscribe":
            yield from self._subscribed(channel, request, said["subscribe"])
        elif kind == "unsubscribe":
            self._places.pop(channel, None)
            yield Left(channel)
        else:
            yield Taken(channel)

    def _subscribed(self, channel: str, request: dict[str, Any], result: dict[str, Any]) -> Iterator[Event]:
        publications = result.get("publications") or []
        newest = max([result.get("offset", 0), *(one["offset"] for one in publications)])
        whole, again = result.get("recovered", False), request.get("again", False)
        epoch = result.get("epoch", "")
        self._places[channel] = _Place(epoch, newest)
        missed = [Update(channel, Position(epoch, one["offset"]), one["data"]) for one in publications]
        if not again:
            yield Joined(channel, Position(epoch, newest), whole if "recover" in request else None, tuple(missed))
        elif whole:
            yield from missed
        else:
            yield Gap(channel, Position(epoch, newest))

    def _update(self, channel: str, said: dict[str, Any]) -> Update:
        place = self._places[channel]
        place.offset = said["offset"]
        return Update(channel, Position(place.epoch, place.offset), said["data"])

    def _lost(self, channel: str, code: int) -> Iterator[Event]:
        if code >= _SUBSCRIBE_AGAIN and channel in self._places:
            self._subscribe_again(channel)
        else:
            yield Left(channel)

    def _subscribe_again_later(self, channel: str) -> None:
        timer = threading.Timer(_AGAIN_AFTER_S, self._subscribe_again, [channel])
        timer.daemon = True
        timer.start()

    def _subscribe_again(self, channel: str) -> None:
        place = self._places[channel]
        said = self.may_watch(channel) | {"recover": True, "epoch": place.epoch, "offset": place.offset}
        self._asked.append({"subscribe": said | {"again": True}})
        with suppress(*MAY_RAISE):  # a connection that has ended meanwhile says so itself
            self.socket.send(json.dumps({"id": len(self._asked), "subscribe": said}))


def _claims(session: Session | None) -> dict[str, Any]:
    """What a session says of itself; Centrifugo does not take this word for it."""
    return jwt.decode(session, options={"verify_signature": False}) if session else {}
