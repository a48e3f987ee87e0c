"""One WebSocket connection from the node's side: what waits to be sent to it, and how it ends."""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable

from starlette.websockets import WebSocket, WebSocketDisconnect

from ..protocol import abort_of
from ..sessions import Session

GOING = 1000  # RFC 6455, section 7.4.1; section 7.4.2 leaves 4000 to 4999 to applications
TOO_SLOW = 4008
GRACE_S = 5.0

logger = logging.getLogger(__name__)


class Peer:
    """Whoever is at the other end. It is sent messages in order or is cut off, and makes nobody wait."""

    def __init__(
        self, websocket: WebSocket, session: Session, outbox_limit_bytes: int, left: Callable[["Peer"], None]
    ) -> None:
        """`left` is called once, at the moment when the connection is over for the node."""
        self.id = uuid.uuid4().hex
        self.session = session
        self.channels: set[str] = set()
        self.ended = False
        self._websocket, self._limit, self._left = websocket, outbox_limit_bytes, left
        self._outbox: deque[tuple[str, int]] = deque()  # each with how much of the limit it takes
        self._waiting_bytes = 0
        self._wake, self._drained = asyncio.Event(), asyncio.Event()
        self._farewell = (GOING, "")

    def send(self, text: str) -> None:
        """Queues ASCII text; ends the connection (4008) if more than the limit waits already."""
        if self.ended:
            return
        # A single message may be larger than the limit; a second one behind it may not.
        if self._outbox and self._waiting_bytes + len(text) > self._limit:
            logger.warning("cut off %s of user %s: it reads too slowly", self.id, self.session.user)
            self.end(TOO_SLOW, "reads too slowly")
        else:
            self._queue(text, len(text))

    def begin(self, texts: Iterable[str]) -> None:
        """Queues what a subscription begins with, however large: it was asked for, and nobody is slow for that.

        Whoever lets a peer begin waits until it is `drained` before the next time, so that one replay waits at most.
        """
        for text in texts:
            if not self.ended:
                self._queue(text, 0)

    async def drained(self) -> None:
        """Returns when nothing waits to be sent any more, or the connection is over."""
        await self._drained.wait()

    def end(self, code: int = GOING, reason: str = "") -> None:
        """Closes with the code, within 5 s whether the peer reads or not; only the first call counts."""
        if self.ended:
            return
        self.ended = True
        self._farewell = (code, reason)
        self._outbox.clear()
        self._left(self)
        self._wake.set()
        self._drained.set()
        asyncio.get_running_loop().call_later(GRACE_S, abort_of(self._websocket))

    async def write(self) -> None:
        """Sends what is queued until the connection is over."""
        try:
            while not self.ended:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    text, counted = self._outbox.popleft()
                    self._waiting_bytes -= counted
                    await self._websocket.send_text(text)
                self._drained.set()
            await self._websocket.close(*self._farewell)
        except WebSocketDisconnect:
            self.end()  # whoever listens to the same connection is told as well; nobody waits for what is not sent

    def _queue(self, text: str, counted: int) -> None:
        self._outbox.append((text, counted))
        self._waiting_bytes += counted
        self._drained.clear()
        self._wake.set()
