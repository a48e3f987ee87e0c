"""One thread that reads hundreds of WebSockets: websocket-client parses the frames, a selector gives the turns."""

import os
import selectors
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from websocket import ABNF, WebSocket, WebSocketException

from support.capabilities.websocket_redis_pubsub.client import Ending, Event, Line
from support.errors import AdapterError, ProbeError, SuiteError
from support.origin import blame, lack

_HANGS_AFTER_S = 1.0  # a line takes a frame in microseconds


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a user was told, and when it arrived (monotonic seconds)."""

    at: float
    event: Event


@dataclass
class Connection:
    """A line, and all that it has been told. Looking raises AdapterError when a line of this scenario has failed."""

    line: Line
    receiver: "Receiver" = field(repr=False)
    watched_fd: int | None = None
    turn: threading.RLock = field(default_factory=threading.RLock, repr=False)
    told: list[Arrival] = field(default_factory=list, repr=False)
    ended: Ending | None = None
    socket: WebSocket = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.socket = self.line.socket

    @property
    def arrivals(self) -> list[Arrival]:
        """All that has arrived so far."""
        self.receiver.expect_sound()
        return self.told

    @property
    def ending(self) -> Ending | None:
        """Why it was closed; None while it is open."""
        self.receiver.expect_sound()
        return self.ended

    def say(self, request: Callable[[Line], None]) -> None:
        """Makes a request. Raises AssertionError when the target has closed the connection."""
        try:
            request(self.line)
        except (WebSocketException, OSError) as error:
            blame(error, f"the target closed the connection ({self.ending}): {error}")


class Receiver:
    """Reads every connection that it watches, as soon as something arrives, until it is closed."""

    def __init__(self) -> None:
        # An epoll may be changed by one thread while another waits on it (epoll_wait(2)), so no lock is held.
        self._selector = selectors.EpollSelector()
        self._wake = os.eventfd(0)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._failure: Exception | None = None
        self._took_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="websocket receiver", daemon=True)
        self._thread.start()

    def expect_sound(self) -> None:
        """Raises AdapterError when a line has raised or hangs: what was not told then is not held against the target.

        A line that holds something against the target raises AssertionError, and so does this.
        """
        if self._failure:
            raise self._failure
        since = self._took_since
        if since is not None and time.monotonic() - since > _HANGS_AFTER_S:
            raise AdapterError(f"the adapter's line has not taken a frame within {_HANGS_AFTER_S:g} s")

    def fail(self, error: Exception) -> None:
        """Keeps what a line, or another part of the adapter, has raised in a thread where nobody waits for it."""
        self._failure = self._failure or _failure(error)

    def watch(self, connection: Connection, on_close: Callable[[Connection], None] | None = None) -> None:
        """Reads `connection` from now on. `on_close` is called in the receiver's thread when the target closes it."""
        connection.socket.settimeout(0)
        connection.watched_fd = connection.socket.fileno()
        self._selector.register(connection.watched_fd, selectors.EVENT_READ, (connection, on_close))

    def forget(self, connection: Connection) -> None:
        """Stops reading `connection`, which stays open: a user who has stalled. Nothing arrives after this."""
        with connection.turn:
            # By the number that it had: websocket-client may have closed the socket, and the next one gets its number.
            if connection.watched_fd is not None:
                self._selector.unregister(connection.watched_fd)
            connection.watched_fd = None

    def close(self) -> None:
        """Ends the thread; the connections are their owners' to close."""
        os.eventfd_write(self._wake, 1)
        self._thread.join(_HANGS_AFTER_S)
        if not self._thread.is_alive():
            self._selector.close()
            os.close(self._wake)

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:  # noqa: BLE001 - nothing is heard from now on, and silence would be the target's
            self.fail(ProbeError(f"the connections are not read any more: {type(error).__name__}: {error}"))

    def _read(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wake:
                    return
                connection, on_close = key.data
                with connection.turn:
                    try:
                        self._drain(connection, on_close)
                    except Exception as error:  # noqa: BLE001 - a line is somebody's code, and may raise anything
                        self.fail(error)
                        self.forget(connection)

    def _drain(self, connection: Connection, on_close: Callable[[Connection], None] | None) -> None:
        """Takes every whole frame that has arrived; a part of one stays in websocket-client's buffer."""
        try:
            while connection.watched_fd is not None:
                opcode, frame = connection.socket.recv_data_frame()
                if opcode == ABNF.OPCODE_CLOSE:
                    code = struct.unpack("!H", frame.data[:2])[0] if len(frame.data) >= 2 else None
                    return self._closed(connection, connection.line.ending(code), on_close)
                self._take(connection, frame.data)
        except BlockingIOError:
            pass
        except (WebSocketException, OSError) as error:
            if told := lack(error):
                raise ProbeError(f"a connection could not be read: {told}") from error
            self._closed(connection, Ending.LOST, on_close)

    def _take(self, connection: Connection, frame: bytes) -> None:
        at = self._took_since = time.monotonic()
        for event in connection.line.take(frame):
            connection.told.append(Arrival(at, event))
        self._took_since = None

    def _closed(self, connection: Connection, why: Ending, on_close: Callable[[Connection], None] | None) -> None:
        self.forget(connection)
        connection.ended = why
        connection.socket.shutdown()
        if on_close:
            on_close(connection)


def _failure(error: Exception) -> Exception:
    if isinstance(error, AssertionError | SuiteError):
        return error
    failure = AdapterError(f"the adapter's line does not do its part: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure
