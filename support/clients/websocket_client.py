"""Opening a WebSocket at a node, for adapters."""

from typing import Any

from websocket import WebSocket, WebSocketBadStatusException, WebSocketException

from support.origin import blame
from support.platforms.platform import Door


def dial(door: Door, path: str, within_s: float = 10.0, **shown: Any) -> WebSocket | int:
    """A WebSocket at `path` of the node, or the HTTP status with which the handshake was refused.

    `shown` are `header`, `cookie` and `origin` of the handshake, as websocket-client takes them; no origin is sent
    unless it is given. Raises AssertionError when there is neither within `within_s`, and ProbeError
    when that may be this machine's doing.
    """
    # Text is decoded by whoever reads it; websocket-client's own check of UTF-8 is slow Python.
    socket = WebSocket(skip_utf8_validation=True)
    url = door.url.replace("http:", "ws:") + path
    try:
        socket.connect(url, timeout=within_s, suppress_origin="origin" not in shown, **shown)
    except WebSocketBadStatusException as error:
        door.exchanges.note(door.name, f"WebSocket refused: {error.status_code}")
        return int(error.status_code)
    except (WebSocketException, OSError) as error:
        door.exchanges.note(door.name, f"no WebSocket: {error}")
        blame(error, f"{door.name} opened no WebSocket at {path}: {error}")
    door.exchanges.note(door.name, "WebSocket opened")
    return socket
