"""A user of live updates: watches channels over a WebSocket, writes to them over HTTP or the same socket.

The routes and messages are the reference platform's; a platform with others needs another module of this name.
An answer that a gateway should not have given is an AssertionError, with the last exchanges in its message.
"""

import itertools
import json
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from websocket import WebSocket, WebSocketException

from support.clients.exchanges import Exchanges
from support.clients.node_client import NodeClient
from support.clients.websocket_receiver import Arrival, Connection, Message, Receiver
from support.polling import poll

ANSWER_WITHIN_S = 10.0  # a gateway that is silent for so long is taken to be silent for ever
_STALLED_BUFFER = 64 * 1024  # bytes; left alone, the kernel would take some 6 MB from the gateway before it is slow

# What people write: blanks, quotes, lines, letters of all kinds. None of it may be cut, escaped or decoded on the way.
_TEXT = 'Zoë said: "50 % of a\\b, 日本 & <i>c</i> 🙂"\nand  left\u2028'

# What the messages of each type must have, by the protocol of the reference platform.
_PLACE: dict[str, tuple[type, ...]] = {"channel": (str,), "epoch": (str,), "offset": (int,)}
_SHAPES: dict[str, dict[str, tuple[type, ...]]] = {
    "subscribed": _PLACE | {"recovered": (bool, type(None)), "updates": (list,)},
    "update": _PLACE | {"data": (object,)},
    "published": _PLACE,
    "gap": _PLACE,
    "unsubscribed": {"channel": (str,)},
    "error": {"error": (str,)},
}


@dataclass(frozen=True)
class Position:
    """A place in a channel's history: which history it is, and how many updates it had then."""

    epoch: str
    offset: int


class Gateway(NodeClient):
    """One node, as a user reaches it."""

    def publish(self, token: str, channel: str, data: Any) -> Position:
        """Publishes `data`; returns its place. Raises AssertionError when it is not acknowledged."""
        place = self.expect(self.offer(token, channel, data), 201, "epoch", "offset")
        return Position(place["epoch"], place["offset"])

    def offer(self, token: str, channel: str, data: Any) -> requests.Response:
        """Tries to publish `data`, and returns the answer, whatever it is."""
        return self.ask("POST", _path(channel, "updates"), {"data": data}, token)

    def presence(self, token: str, channel: str) -> dict[str, int]:
        """Who watches `channel`: user -> number of connections, over all gateways."""
        return dict(self.expect(self.ask_presence(token, channel), 200, "users")["users"])

    def ask_presence(self, token: str, channel: str) -> requests.Response:
        """Asks who watches `channel`, and returns the answer, whatever it is."""
        return self.ask("GET", _path(channel, "presence"), token=token)

    def log_out(self, token: str) -> None:
        """Ends the session of `token`."""
        self.expect(self.ask("DELETE", "/session", token=token), 204)

    def status(self) -> dict[str, int]:
        """What the gateway says of itself: connections, channels, tasks."""
        return self.expect(self.ask("GET", "/status"), 200, "connections", "channels", "tasks")

    def knock(self, **credentials: Any) -> int:
        """Tries to open a WebSocket with `credentials` (header, cookie, origin); the HTTP status: 101 when let in."""
        try:
            self._open(**credentials).shutdown()
        except AssertionError as error:
            status = getattr(error.__cause__, "status_code", None)
            if status is None:
                raise
            return int(status)
        return 101

    def open(self, token: str) -> Connection:
        """Opens a WebSocket for the session of `token`. Raises AssertionError when it is refused."""
        return Connection(self._open(header={"Authorization": f"Bearer {token}"}, suppress_origin=True))

    def _open(self, **credentials: Any) -> WebSocket:
        # UTF-8 is checked by the JSON parser anyway; websocket-client's own check is slow Python.
        opened = WebSocket(skip_utf8_validation=True)
        url = self._url.replace("http:", "ws:") + "/realtime"
        try:
            opened.connect(url, timeout=ANSWER_WITHIN_S, **credentials)
        except (WebSocketException, OSError) as error:
            self._exchanges.note(self.name, f"WebSocket refused: {error}")
            raise AssertionError(f"{self.name} refused a WebSocket: {error}") from error
        self._exchanges.note(self.name, "WebSocket opened")
        return opened


class Subscriber:
    """Someone who watches channels, through one gateway at a time; what was received outlives a reconnect."""

    def __init__(self, name: str, token: str, receiver: Receiver, exchanges: Exchanges) -> None:
        self.name = name
        self.token = token
        self.channels: list[str] = []
        self.connections: list[Connection] = []
        self.gateway: Gateway | None = None
        self._receiver = receiver
        self._exchanges = exchanges

    @property
    def connection(self) -> Connection:
        """The present connection, or the last one that there was."""
        return self.connections[-1]

    def connect(self, gateway: Gateway, on_close: Callable[[Connection], None] | None = None) -> None:
        """Connects and subscribes again to all its channels, each from where it left off."""
        positions = {channel: self.position(channel) for channel in self.channels}
        self.gateway = gateway
        self.connections.append(gateway.open(self.token))
        self._receiver.watch(self.connection, on_close)
        for channel, position in positions.items():
            self.subscribe(channel, position)

    def subscribe(self, channel: str, after: Position | None = None) -> Message:
        """Watches `channel`, from `after` if given; returns the gateway's answer. AssertionError when refused."""
        if channel not in self.channels:
            self.channels.append(channel)
        request: Message = {"type": "subscribe", "channel": channel}
        answer = self.ask(request | ({"after": vars(after)} if after else {}), "subscribed")
        self._exchanges.note(self.name, f"subscribed at {self.gateway.name if self.gateway else '?'}: {answer}")
        return answer

    def unsubscribe(self, channel: str) -> None:
        """Leaves `channel`; returns when the gateway has said so."""
        self.ask({"type": "unsubscribe", "channel": channel}, "unsubscribed")
        self.channels.remove(channel)

    def ask(self, request: Message, *expected: str) -> Message:
        """Sends `request` and waits for its answer. AssertionError when its type is none of `expected`."""
        seen = len(self.connection.arrivals)
        self.connection.send(request)

        def answer() -> Message | None:
            told = (a.message for a in self.connection.arrivals[seen:])
            return next((m for m in told if m["type"] in (*expected, "error") and _is_about(m, request)), None)

        found = poll(answer, ANSWER_WITHIN_S, every_s=0.002)
        if found is None or found["type"] not in expected:
            raise AssertionError(f"{self.name} asked {request} and was answered {found}, not {' or '.join(expected)}")
        return found

    def leave(self) -> None:
        """Closes the connection as the protocol has it (RFC 6455 section 7.1.2)."""
        self._receiver.forget(self.connection)
        self.connection.socket.settimeout(ANSWER_WITHIN_S)
        with suppress(WebSocketException, OSError):
            self.connection.socket.close(timeout=ANSWER_WITHIN_S)

    def drop(self) -> None:
        """Loses the connection without a word: a reset instead of a closing handshake."""
        self._receiver.forget(self.connection)
        if raw := self.connection.socket.sock:
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.socket.shutdown()

    def stall(self) -> None:
        """Stops reading; the connection stays open, and this machine takes little more for it (socket(7))."""
        self._receiver.forget(self.connection)
        if raw := self.connection.socket.sock:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STALLED_BUFFER)

    def resume(self) -> None:
        """Reads again, from what has piled up."""
        self._receiver.watch(self.connection)

    def updates(self, channel: str) -> Iterator[tuple[int, float]]:
        """Every update of `channel` that has been received, replayed ones too: serial number, arrival time.

        In the order of their arrival. Quick, because it is asked for again and again while thousands arrive.
        """
        for arrival in self.arrivals():
            message = arrival.message
            if message["type"] in ("update", "subscribed") and message["channel"] == channel:
                for update in message.get("updates") or [message] * (message["type"] == "update"):
                    yield serial_in(update["data"]), arrival.at

    def told(self, kind: str, channel: str) -> list[Message]:
        """The messages of type `kind` about `channel` that have been received."""
        return [a.message for a in self.arrivals() if a.message["type"] == kind and a.message.get("channel") == channel]

    def position(self, channel: str) -> Position | None:
        """Where this subscriber stands in `channel`: the place that the gateway named last; None before the first."""
        for arrival in reversed(list(self.arrivals())):
            message = arrival.message
            if message.get("channel") == channel and message["type"] in ("update", "subscribed", "gap"):
                return Position(message["epoch"], message["offset"])
        return None

    def arrivals(self) -> Iterator[Arrival]:
        """All messages of all connections, in the order of their arrival."""
        return itertools.chain.from_iterable(list(c.arrivals) for c in self.connections)


def parse(data: bytes | str) -> Message:
    """A gateway's message; one that is not as the protocol has it becomes {"type": "malformed", "text": …}."""
    try:
        message = json.loads(data)
        shape = _SHAPES[message["type"]]
        whole = all(isinstance(message[name], kinds) for name, kinds in shape.items())
        if whole and all({"offset", "data"} <= update.keys() for update in message.get("updates", [])):
            return dict(message)
    except (ValueError, TypeError, LookupError, AttributeError):
        pass
    return {"type": "malformed", "text": str(data)}


def update_of(serial: int, padding: int = 0) -> dict[str, Any]:
    """The data of an update: its number, a text that must arrive as it was written, and `padding` more bytes."""
    return {"serial": serial, "text": _TEXT, "padding": "x" * padding}


def serial_in(data: Any) -> int:
    """The number of the update whose data this is; 0, which no update has, where any of its text is missing."""
    whole = isinstance(data, dict) and data.get("text") == _TEXT
    serial = data.get("serial") if whole else None
    return serial if isinstance(serial, int) else 0


def _path(channel: str, what: str) -> str:
    return f"/channels/{quote(channel, safe='')}/{what}"


def _is_about(message: Message, request: Message) -> bool:
    return message.get("channel") == request.get("channel") and message.get("ref") == request.get("ref")
