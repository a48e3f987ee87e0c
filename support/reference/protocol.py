"""uvicorn's WebSocket protocol, and a way to be rid of a peer that has stopped reading.

A graceful close waits until the peer has read what was written before it. A peer that never reads would
so keep its socket and buffers for ever; such a connection has to be aborted.
"""

from collections.abc import Callable
from typing import Any, cast

from starlette.websockets import WebSocket
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "reference.abort"
LAST_WORD_S = 1.0  # how long a peer that missed its ping has to take the close frame


class AbortableProtocol(WebSocketsSansIOProtocol):
    """Hands the application its transport's abort, and aborts by itself the peer that answers no ping."""

    async def run_asgi(self) -> None:
        """Runs the application with `EXTENSION` in its scope."""
        extensions = cast(dict[str, Any], self.scope["extensions"])
        extensions[EXTENSION] = {"abort": self.transport.abort}
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """Sends as uvicorn does, which would call a refused handshake (the ASGI denial response) an error."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def keepalive_timeout(self) -> None:
        """Closes with 1011, as uvicorn does, but does not wait for ever until the close frame is read."""
        super().keepalive_timeout()
        self.loop.call_later(LAST_WORD_S, self.transport.abort)


def abort_of(websocket: WebSocket) -> Callable[[], None]:
    """What drops the connection at once, unread data and all; it does nothing when the connection is gone."""
    return cast(Callable[[], None], websocket.scope["extensions"][EXTENSION]["abort"])
