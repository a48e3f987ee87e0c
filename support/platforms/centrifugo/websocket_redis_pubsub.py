"""How Centrifugo is asked for live updates: its client protocol (JSON, version 2), and its HTTP API for backends.

What its own client libraries do by themselves is done here, too: they answer pings, and subscribe again from where they
stand when the server says that their state is insufficient.
"""

import itertools
import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import jwt
from websocket import ABNF, WebSocket, WebSocketException

from support.capabilities.websocket_redis_pubsub.client import (
    MAY_RAISE,
    Counts,
    Ending,
    Event,
    Gap,
    Grant,
    Joined,
    Left,
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
from support.origin import blame
from support.platforms.platform import Door
from support.promise import broken

# https://centrifugal.dev/docs/server/codes
_ENDINGS = {
    3001: Ending.LEAVING,  # shutdown
    3005: Ending.NOT_ALLOWED,  # connection expired
    3503: Ending.NOT_ALLOWED,  # force disconnect, which is what the API's disconnect says
    3008: Ending.TOO_SLOW,
    3004: Ending.COME_BACK,  # internal server error
    3010: Ending.COME_BACK,  # insufficient state
}
_REFUSALS = {
    100: Refusal.UNAVAILABLE,  # internal server error
    103: Refusal.FORBIDDEN,  # permission denied
    105: Refusal.UNAVAILABLE,  # already subscribed, and goes on to be
    109: Refusal.UNAUTHENTICATED,  # token expired
    3004: Refusal.UNAVAILABLE,  # internal server error
    3500: Refusal.UNAUTHENTICATED,  # invalid token
    3501: Refusal.UNAUTHENTICATED,  # bad request, which is what a connection without a token is told
}


class Adapter(NodeClient):
    """One node. Users reach it over a WebSocket; its HTTP API is the backend's, whose key opens every channel.

    The API disconnects users, not sessions. So each session is a user to Centrifugo, with a fresh prefix to the name.
    """

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=32)
        self._door = door
        ours = door.environment["CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY"]
        self._keys = {Signature.OURS: ours, Signature.FOREIGN: "x" * 64, Signature.NONE: ""}
        self._api_key = {"X-API-Key": door.environment["CENTRIFUGO_HTTP_API_KEY"]}

    def session(self, grant: Grant) -> Session:
        """What a page is given: a token for its connections, and one for each channel."""
        by = (key := self._keys[grant.signature], "HS256" if key else "none")
        user = f"{uuid.uuid4().hex}:{grant.user}"
        said = {"sub": user} | ({"exp": grant.expires} if grant.expires is not None else {})
        channels = {name: jwt.encode(said | {"channel": name, "expire_at": 0}, *by) for name in grant.channels}
        return json.dumps({"user": user, "token": jwt.encode(said, *by), "channels": channels})

    def enter(self, session: Session | None, site: str | None = None) -> "CentrifugoLine | Refusal":
        """A page's own script shows the token in its first message; whatever way it was kept."""
        shown: dict[str, Any] = {"origin": site} if site else {}
        socket = dial(self._door, "/connection/websocket", **shown)
        if not isinstance(socket, WebSocket):
            return Refusal.FOREIGN_SITE if socket == 403 else broken(f"{self.name} refused a WebSocket: {socket}")
        given = json.loads(session or "{}")
        line = CentrifugoLine(socket, given.get("channels", {}))
        return self._refusal(line, {"connect": {"token": given["token"]} if session else {}}) or line

    def write(self, session: Session | None, channel: str, data: Any) -> Refusal | None:
        """As a user who watches the channel, on a connection for this alone."""
        return self._as_user(session, channel, {"publish": {"channel": channel, "data": data}})

    def look(self, session: Session | None, channel: str) -> Refusal | None:
        """The same."""
        return self._as_user(session, channel, {"presence": {"channel": channel}})

    def end_session(self, session: Session) -> Refusal | None:
        """Its connections are closed; its tokens stay valid, because they cannot be revoked."""
        done = self._api("disconnect", user=json.loads(session)["user"])
        return done if isinstance(done, Refusal) else None

    def publish(self, channel: str, data: Any) -> Position | Refusal:
        """By the API."""
        place = self._api("publish", channel=channel, data=data)
        return place if isinstance(place, Refusal) else Position(place["epoch"], place["offset"])

    def present(self, channel: str) -> dict[str, int]:
        """By the API."""
        seen = self._api("presence", channel=channel)
        if isinstance(seen, Refusal):
            broken(f"{self.name} cannot say who watches {channel}: {seen.value}")
        return dict(Counter(client["user"].partition(":")[2] for client in seen["presence"].values()))

    def counts(self) -> Counts:
        """By its metrics, in Prometheus's text format."""
        text = self.ask("GET", "/metrics").text

        def total(name: str) -> int:
            return int(sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))))

        connections, subscriptions = (f"centrifugo_client_{what}_inflight" for what in ("connections", "subscriptions"))
        return Counts(total(connections), total(subscriptions), total("go_goroutines"))

    def _api(self, method: str, **body: Any) -> dict[str, Any] | Refusal:
        answer = self.ask("POST", f"/api/{method}", body, headers=self._api_key)
        if (member(answer, "error") or {}).get("code") == 100:
            return Refusal.UNAVAILABLE
        return dict(self.expect(answer, 200, "result")["result"])

    def _as_user(self, session: Session | None, channel: str, command: dict[str, Any]) -> Refusal | None:
        line = self.enter(session)
        if isinstance(line, Refusal):
            return line
        try:
            return self._refusal(line, {"subscribe": line.may_watch(channel)}) or self._refusal(line, command)
        finally:
            line.socket.shutdown()

    def _refusal(self, line: "CentrifugoLine", command: dict[str, Any]) -> Refusal | None:
        try:
            reply = line.call(command)
        except (WebSocketException, OSError) as error:
            blame(error, f"{self.name} did not reply to {[*command]}: {error}")
        if "error" not in reply:
            return None
        return _REFUSALS.get(reply["error"]["code"]) or broken(f"{self.name} answered {reply}")


class CentrifugoLine:
    """A connection. A frame has any number of lines, each of which is a reply, a push, or a ping."""

    def __init__(self, socket: WebSocket, tokens: dict[str, str]) -> None:
        self.socket = socket
        self._tokens = tokens
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[dict[str, Any], bool]] = {}  # what, and whether the user did not ask for it
        self._places: dict[str, Position] = {}

    def call(self, command: dict[str, Any]) -> dict[str, Any]:
        """One command before anybody else reads: its reply, or the code of a close. Pings are not answered."""
        number = self._send(command)
        while True:
            opcode, frame = self.socket.recv_data_frame()
            if opcode == ABNF.OPCODE_CLOSE:
                return {"error": {"code": int.from_bytes(frame.data[:2]), "message": str(frame.data[2:])}}
            for said in map(json.loads, frame.data.splitlines()):
                if said.get("id") == number:
                    return dict(said)

    def may_watch(self, channel: str) -> dict[str, Any]:
        """What a subscribe command says of `channel`; a session without a right to it has no token for it."""
        return {"channel": channel} | ({"token": self._tokens[channel]} if channel in self._tokens else {})

    def watch(self, channel: str, after: Position | None, again: bool = False) -> None:
        """subscribe, with recovery from where the user stands; `again`: by itself, as the client libraries do."""
        recover = {"recover": True, **after._asdict()} if after else {}
        self._send({"subscribe": self.may_watch(channel) | recover}, again)

    def leave(self, channel: str) -> None:
        """unsubscribe."""
        self._send({"unsubscribe": {"channel": channel}})

    def publish(self, channel: str, data: Any) -> None:
        """publish."""
        self._send({"publish": {"channel": channel, "data": data}})

    def take(self, frame: bytes) -> Iterable[Event]:
        """Each line in turn."""
        for line in filter(None, frame.split(b"\n")):
            try:
                yield from self._events(json.loads(line))
            except (ValueError, TypeError, LookupError):
                yield Strange(line.decode(errors="replace"))

    def ending(self, code: int | None) -> Ending:
        """By the table."""
        return _ENDINGS.get(code or 0, Ending.OTHER)

    def _send(self, command: dict[str, Any], again: bool = False) -> int:
        number = next(self._numbers)
        self._asked[number] = command, again
        self.socket.send(json.dumps({"id": number, **command}))
        return number

    def _events(self, said: Any) -> Iterable[Event]:
        match said:
            case {"id": int(number)}:
                return self._reply(said, *self._asked.pop(number))
            case {"push": {"channel": str(channel), "pub": {"offset": int(offset), "data": data}}}:
                place = self._places[channel] = self._places[channel]._replace(offset=offset)
                return [Update(channel, place, data)]
            case {"push": {"channel": str(channel), "unsubscribe": {"code": 2500 | 2501}}}:  # asks to subscribe again
                return self._watch_again(channel)
            case dict() if not said:
                with suppress(*MAY_RAISE):  # a connection that has ended meanwhile says so itself
                    self.socket.send("{}")
                return []
        raise ValueError(said)

    def _reply(self, said: Any, command: dict[str, Any], again: bool) -> Iterable[Event]:
        (asked,) = command.values()
        channel = asked["channel"]
        match said:
            case {"error": {"temporary": True}} if again:
                threading.Timer(0.5, self._watch_again, [channel]).start()  # as client libraries do at first
                return []
            case {"error": {"code": int(code)}}:
                return [Refused(channel, _REFUSALS[code])]
            case {"subscribe": result}:
                return self._subscribed(channel, "recover" in asked, again, result)
            case {"unsubscribe": _}:
                self._places.pop(channel, None)
                return [Left(channel)]
            case {"publish": _}:
                return [Taken(channel)]
        raise ValueError(said)

    def _subscribed(self, channel: str, recover: bool, again: bool, said: dict[str, Any]) -> Iterable[Event]:
        epoch, whole = said.get("epoch", ""), said.get("recovered", False)
        missed = [Update(channel, Position(epoch, one["offset"]), one["data"]) for one in said.get("publications", ())]
        place = Position(epoch, max([said.get("offset", 0), *(update.position.offset for update in missed)]))
        self._places[channel] = place
        if again:
            return missed if whole else [Gap(channel, place)]
        return [Joined(channel, place, whole if recover else None, tuple(missed))]

    def _watch_again(self, channel: str) -> Iterable[Event]:
        if place := self._places.get(channel):
            with suppress(*MAY_RAISE):
                self.watch(channel, place, again=True)
        return []
