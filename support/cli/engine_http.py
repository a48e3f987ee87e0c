"""The container engine before there is an SDK: what it says over plain HTTP.

A few lines on a socket, because `http.client` alone would take longer to import than the engine to answer.
"""

import json
import socket
import time
from typing import Any

from support.containers.address import Address
from support.containers.dial import Channel, connect

_PINGS_WITHIN_S, _OVER_SSH_WITHIN_S = 2.0, 20.0


def ping(address: Address) -> None:
    """Returns when the engine answers. Raises OSError when it does not within 2 s, or 20 s where ssh connects."""
    get(address, "/_ping", _OVER_SSH_WITHIN_S if address.over_ssh else _PINGS_WITHIN_S)


def get_json(address: Address, path: str, within_s: float) -> Any:
    """What the engine answers to GET `path`, parsed. Raises OSError as `get`."""
    return json.loads(get(address, path, within_s))


def get(address: Address, path: str, within_s: float) -> bytes:
    """The body of the engine's answer to GET `path`. Raises FileNotFoundError for a 404, else OSError.

    HTTP/1.0 (RFC 1945): the answer ends where the connection does, so there are no chunks to put together.
    """
    end = time.monotonic() + within_s
    with connect(address, within_s) as connection:
        answer = _exchange(connection, f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode(), end)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"404"]:
        raise FileNotFoundError(f"{path}: {body.decode(errors='replace').strip()}")
    if status != [b"200"]:
        raise OSError(f"expected 200 for {path}, got {answer[:200].decode(errors='replace') or 'nothing'}")
    return body


def _exchange(connection: socket.socket, question: bytes, end: float) -> bytes:
    """All that is answered to `question`. Raises OSError, with the words of the ssh that connects, if there is one."""
    answer = b""
    try:
        connection.sendall(question)
        while part := _receive(connection, end):
            answer += part
    except ConnectionError:
        if not isinstance(connection, Channel):
            raise
    if not answer and isinstance(connection, Channel):
        raise OSError(connection.last_words() or "ssh ended without a word")
    return answer


def _receive(connection: socket.socket, end: float) -> bytes:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left)
    return connection.recv(65536)
