"""Readiness by HTTP: one GET without a client library, cheap enough to be polled."""

from contextlib import suppress
from http.client import HTTPConnection, HTTPException


def answers_200(host: str, port: int, path: str, timeout_s: float) -> bool:
    """Whether GET `path` at `host`:`port` is answered by 200 within `timeout_s`."""
    connection = HTTPConnection(host, port, timeout=timeout_s)
    with suppress(OSError, HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False
