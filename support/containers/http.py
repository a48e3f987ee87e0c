"""Readiness by HTTP: one GET without a client library, cheap enough to be polled."""

from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from support.origin import no_answer


def answers_200(host: str, port: int, path: str, timeout_s: float) -> bool:
    """Whether GET `path` at `host`:`port` is answered by 200 in time. ProbeError when this machine cannot ask."""
    return status_of(host, port, path, timeout_s) == HTTPStatus.OK


def status_of(host: str, port: int, path: str, timeout_s: float) -> int | None:
    """The status by which GET `path` is answered in time; None when it is not. ProbeError as above."""
    connection = HTTPConnection(host, port, timeout=timeout_s)
    with closing(connection), no_answer(HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status
    return None
