"""Readiness by HTTP: one GET without a client library, cheap enough to be polled."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException

from support.origin import no_answer


def answers_200(host: str, port: int, path: str, timeout_s: float) -> bool:
    """Whether GET `path` at `host`:`port` is answered by 200 in time. ProbeError when this machine cannot ask."""
    connection = HTTPConnection(host, port, timeout=timeout_s)
    with closing(connection), no_answer(HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False
