"""One thread that reads hundreds of WebSockets: websocket-client parses the frames, a selector gives the turns."""

import json
import os
import selectors
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websocket import ABNF, WebSocket, WebSocketException

Message = dict[str, Any]
ABNORMAL = 1006  # RFC 6455 section 7.1.5: the connection was lost and no close frame had come


@dataclass(frozen=True)
class Arrival:
    """A message, and when it arrived (monotonic seconds)."""

    at: float
    message: Message


@dataclass
class Connection:
    """One open WebSocket and all that it has received. `close_code` is None while it is open."""

    socket: WebSocket
    arrivals: list[Arrival] = field(default_factory=list)
    close_code: int | None = None
    watched_fd: int | None = None
    turn: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def send(self, message: Message) -> None:
        """Sends `message` as JSON text. Raises AssertionError when the target has closed the connection."""
        try:
            self.socket.send(json.dumps(message))
        except (WebSocketException, OSError) as error:
            raise AssertionError(f"the target closed the connection (code {self.close_code}): {error}") from error


class Receiver:
    """Reads every connection that it watches, as soon as something arrives, until it is closed."""

    def __init__(self, parse: Callable[[bytes], Message]) -> None:
        """`parse` makes a message of what arrives, and does not raise."""
        self._parse = parse
        # An epoll may be changed by one thread while another waits on it (epoll_wait(2)), so no lock is held.
        self._selector = selectors.EpollSelector()
        self._wake = os.eventfd(0)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="websocket receiver", daemon=True)
        self._thread.start()

    def watch(self, connection: Connection, on_close: Callable[[Connection], None] | None = None) -> None:
        """Reads `connection` from now on. `on_close` is called in the receiver's thread when the target closes it."""
        connection.socket.settimeout(0)
        connection.watched_fd = connection.socket.fileno()
        self._selector.register(connection.watched_fd, selectors.EVENT_READ, (connection, on_close))

    def forget(self, connection: Connection) -> None:
        """Stops reading `connection`, which stays open: a peer that has stalled. Nothing arrives after this."""
        with connection.turn:
            # By the number that it had: websocket-client may have closed the socket, and the next one gets its number.
            if connection.watched_fd is not None:
                self._selector.unregister(connection.watched_fd)
            connection.watched_fd = None

    def close(self) -> None:
        """Ends the thread; the connections are their owners' to close."""
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._selector.close()
        os.close(self._wake)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wake:
                    return
                connection, on_close = key.data
                with connection.turn:
                    self._drain(connection, on_close)

    def _drain(self, connection: Connection, on_close: Callable[[Connection], None] | None) -> None:
        """Takes every whole message that has arrived; a part of one stays in websocket-client's buffer."""
        try:
            while connection.watched_fd is not None:
                opcode, frame = connection.socket.recv_data_frame()
                if opcode == ABNF.OPCODE_CLOSE:
                    code = struct.unpack("!H", frame.data[:2])[0] if len(frame.data) >= 2 else 1005
                    return self._closed(connection, code, on_close)
                connection.arrivals.append(Arrival(time.monotonic(), self._parse(frame.data)))
        except BlockingIOError:
            pass
        except (WebSocketException, OSError):
            self._closed(connection, ABNORMAL, on_close)

    def _closed(self, connection: Connection, code: int, on_close: Callable[[Connection], None] | None) -> None:
        self.forget(connection)
        connection.close_code = code
        connection.socket.shutdown()
        if on_close:
            on_close(connection)
