"""Someone who watches channels: what they ask for over a connection, and all that they have been told."""

import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeGuard, TypeVar, get_args

from websocket import WebSocketException

from support.capabilities.websocket_redis_pubsub.client import (
    Adapter,
    Answer,
    Ending,
    Event,
    Gap,
    Joined,
    Left,
    Line,
    Position,
    Refusal,
    Refused,
    Session,
    Strange,
    Taken,
    Update,
)
from support.capabilities.websocket_redis_pubsub.receiver import Arrival, Connection, Receiver
from support.clients.exchanges import Exchanges
from support.polling import poll
from support.promise import broken

ANSWER_WITHIN_S = 10.0  # a gateway that is silent for so long is taken to be silent for ever
_COMES_BACK_AFTER_S = 0.5  # what client libraries wait for at first
_STALLED_BUFFER = 64 * 1024  # bytes; left alone, the kernel would take some 6 MB from the gateway before it is slow
_ANSWERS = get_args(Answer)

# What people write: blanks, quotes, lines, letters of all kinds. None of it may be cut, escaped or decoded on the way.
_TEXT = 'Zoë said: "50 % of a\\b, 日本 & <i>c</i> 🙂"\nand  left\u2028'

# What else JSON has (RFC 8259).
_REST: list[Any] = [0, -1, 2**53, 0.1, 1e-7, True, False, None, "", [], {}, {"": {"é": [[]]}}]

_SHOWN = 100  # letters of what nobody understands

Expected = TypeVar("Expected")


class Subscriber:
    """Someone who watches channels, through one gateway at a time; what was received outlives a reconnect."""

    def __init__(self, name: str, session: Session, receiver: Receiver, exchanges: Exchanges) -> None:
        self.name = name
        self.session = session
        self.channels: list[str] = []
        self.connections: list[Connection] = []
        self.gateway: Adapter | None = None
        self._gone = False
        self._receiver = receiver
        self._exchanges = exchanges

    @property
    def connection(self) -> Connection:
        """The present connection, or the last one that there was."""
        return self.connections[-1]

    def connect(self, gateway: Adapter, on_close: Callable[[Connection], None] | None = None) -> None:
        """Connects and watches all its channels again, each from where it left off. AssertionError when refused."""
        positions = {channel: self.position(channel) for channel in self.channels}
        self.gateway = gateway
        line = gateway.enter(self.session)
        if isinstance(line, Refusal):
            broken(f"{gateway.name} refused {self.name}: {line.value}\n{self._exchanges.last()}")
        self.connections.append(Connection(line, self._receiver))
        self._receiver.watch(self.connection, on_close or self._come_back)
        for channel, position in positions.items():
            self.watch(channel, position)

    # Requests, one at a time

    def watch(self, channel: str, after: Position | None = None) -> Joined:
        """Watches `channel`, from `after` if given; returns the gateway's answer. AssertionError when refused."""
        if channel not in self.channels:
            self.channels.append(channel)
        return self._granted(self.ask_to_watch(channel, after), Joined)

    def unwatch(self, channel: str) -> None:
        """Watches `channel` no more; returns when the gateway has said so."""
        self._granted(self._ask(channel, lambda line: line.leave(channel)), Left)
        self.channels.remove(channel)

    def publish(self, channel: str, data: Any) -> None:
        """Publishes `data` over the connection. AssertionError when it is not taken."""
        self._granted(self.ask_to_publish(channel, data), Taken)

    def ask_to_watch(self, channel: str, after: Position | None = None) -> Answer:
        """Asks to watch `channel`, and returns the answer, whatever it is."""
        return self._ask(channel, lambda line: line.watch(channel, after))

    def ask_to_publish(self, channel: str, data: Any) -> Answer:
        """Asks to publish `data`, and returns the answer, whatever it is."""
        return self._ask(channel, lambda line: line.publish(channel, data))

    def _ask(self, channel: str, request: Callable[[Line], None]) -> Answer:
        connection, others = self.connection, len(self.connections)
        seen = len(connection.arrivals)
        connection.say(request)

        def answer() -> Answer | Strange | None:
            # Who was asked to come back has asked once more, and is answered over the next connection.
            told = itertools.chain(connection.arrivals[seen:], *(c.arrivals for c in self.connections[others:]))
            return next((arrival.event for arrival in told if _answers(arrival.event, channel)), None)

        found = poll(answer, ANSWER_WITHIN_S, every_s=0.002)
        self._exchanges.note(self.name, f"at {self._where} about {channel}: {_short(found)}")
        if found is None or isinstance(found, Strange):
            broken(f"{self.name} asked {self._where} about {channel} and was answered {_short(found)}")
        return found

    def _granted(self, answer: Answer, expected: type[Expected]) -> Expected:
        if not isinstance(answer, expected):
            broken(f"{self.name} asked {self._where} and was answered {_short(answer)}, not {expected.__name__}")
        return answer

    # The connection

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
        return bool(self.connections) and self.connection.socket.connected

    def close(self) -> None:
        """Drops whatever connection there is."""
        self._gone = True
        if self.connections:
            self.drop()

    def leave(self) -> None:
        """Closes the connection as the protocol has it (RFC 6455 section 7.1.2)."""
        self._receiver.forget(self.connection)
        opened = self.connection.socket
        opened.settimeout(ANSWER_WITHIN_S)
        with suppress(WebSocketException, OSError):
            opened.close(timeout=ANSWER_WITHIN_S)

    def drop(self) -> None:
        """Loses the connection without a word: a reset instead of a closing handshake."""
        self._receiver.forget(self.connection)
        opened = self.connection.socket
        if raw := opened.sock:
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        opened.shutdown()

    def stall(self) -> None:
        """Stops reading; the connection stays open, and this machine takes little more for it (socket(7))."""
        self._receiver.forget(self.connection)
        if raw := self.connection.socket.sock:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STALLED_BUFFER)

    def resume(self) -> None:
        """Reads again, from what has piled up."""
        self._receiver.watch(self.connection)

    def _come_back(self, closed: Connection) -> None:
        """As the platform's own client library does when it is told to; it counts as one more connection."""
        if closed.ended is Ending.COME_BACK and self.gateway and not self._gone:
            again = threading.Timer(_COMES_BACK_AFTER_S, self._try_again, [self.gateway])
            again.daemon = True
            again.start()

    def _try_again(self, gateway: Adapter) -> None:
        self._exchanges.note(self.name, f"was asked to come back, and connects to {gateway.name} again")
        try:
            if not self._gone:
                self.connect(gateway)
        except AssertionError as error:  # whoever does not come back misses updates, and that is told
            self._exchanges.note(self.name, f"did not come back: {error}")
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread
            self._receiver.fail(error)

    # What was received

    def updates(self, channel: str) -> Iterator[tuple[int, float]]:
        """Every update of `channel` that has been received, replayed ones too: serial number, arrival time.

        In the order of their arrival. Quick, because it is asked for again and again while thousands arrive.
        """
        for arrival in self.arrivals():
            event = arrival.event
            if isinstance(event, Update):
                if event.channel == channel:
                    yield serial_in(event.data), arrival.at
            elif isinstance(event, Joined) and event.channel == channel:
                for missed in event.missed:
                    yield serial_in(missed.data), arrival.at

    def joined(self, channel: str) -> Joined:
        """The last answer to a request to watch `channel`."""
        return [a.event for a in self.arrivals() if isinstance(a.event, Joined) and a.event.channel == channel][-1]

    def gaps(self, channel: str) -> list[Gap]:
        """The gaps in `channel` that were told."""
        return [a.event for a in self.arrivals() if isinstance(a.event, Gap) and a.event.channel == channel]

    def position(self, channel: str) -> Position | None:
        """Where this subscriber stands in `channel`: the place that the gateway named last; None before the first."""
        for arrival in reversed(list(self.arrivals())):
            event = arrival.event
            if isinstance(event, Update | Joined | Gap) and event.channel == channel:
                return event.position
        return None

    def arrivals(self) -> Iterator[Arrival]:
        """All that was told over all connections, in the order of its arrival."""
        return itertools.chain.from_iterable(list(c.arrivals) for c in self.connections)

    @property
    def _where(self) -> str:
        return self.gateway.name if self.gateway else "no gateway"


def update_of(serial: int, padding: int = 0) -> dict[str, Any]:
    """The data of an update: its number, what must arrive as it was written, and `padding` more bytes."""
    return {"serial": serial, "text": _TEXT, "rest": _REST, "padding": "x" * padding}


def serial_in(data: Any) -> int:
    """The number of the update whose data this is; 0, which no update has, where any of its content is missing."""
    whole = isinstance(data, dict) and data.get("text") == _TEXT and data.get("rest") == _REST
    serial = data.get("serial") if whole else None
    return serial if isinstance(serial, int) else 0


def _short(event: Event | None) -> str:
    """An event for a message; what it carries may be large."""
    match event:
        case Joined(_, position, recovered, missed):
            return f"Joined at {position}, recovered: {recovered}, {len(missed)} missed"
        case Refused(_, why):
            return f"Refused: {why.value}"
        case Strange(text):
            return f"Strange: {text[:_SHOWN]}"
    return type(event).__name__


def _answers(event: Event, channel: str) -> TypeGuard[Answer | Strange]:
    """Whether `event` ends the wait for an answer about `channel`."""
    return isinstance(event, Strange) or (isinstance(event, _ANSWERS) and event.channel == channel)
