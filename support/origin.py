"""Where an error of a connection comes from: from its other side, or from this machine, which is the suite's own.

Only what provably came from the target may be held against it. What this machine lacks says nothing about it.
"""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from support.errors import ProbeError
from support.footing import open_files

_MEMORY = "free some memory, or lower L3_MEMORY"
_FORBIDDEN = "a firewall or a sandbox of this machine forbids it"
_ROUTES = "mend the network of this machine"
_MENDS = {  # of what connect(2), socket(2), accept(2) and send(2) say when it is the caller who lacks something
    errno.EMFILE: "raise the limit of open files (ulimit -Hn), or run fewer features at once",
    errno.ENFILE: "the machine may open no more files; raise fs.file-max, or end what holds them",
    errno.ENOMEM: _MEMORY,
    errno.ENOBUFS: _MEMORY,
    errno.EADDRNOTAVAIL: "no local port is left; widen net.ipv4.ip_local_port_range, or wait until some are free",
    errno.EADDRINUSE: "end what holds that address",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EAFNOSUPPORT: _FORBIDDEN,
    errno.ENETDOWN: _ROUTES,
    errno.ENETUNREACH: _ROUTES,
    errno.EHOSTUNREACH: _ROUTES,
}


def blame(error: BaseException, message: str) -> NoReturn:
    """Raises AssertionError with `message` when `error` provably came from the target, else ProbeError."""
    if of_other_side(error):
        raise AssertionError(message) from error
    why = lack(error) or "the error is none that only the target can have caused"
    raise ProbeError(f"{message}\nthis is not held against the target: {why}") from error


def of_other_side(error: BaseException) -> bool:
    """Whether `error` is that the other side of a connection refused it, broke it off, or spoke or kept silent on it.

    Silence counts only where the connection stood: why one could not be made in time is not certain.
    """
    chain = list(_causes(error))
    return not any(map(_mend, chain)) and any(map(_from_other_side, chain))


def lack(error: BaseException) -> str | None:
    """What this machine lacks, with the mend, where `error` is about that; else None."""
    return next((f"{one}; {mend}" for one in _causes(error) if (mend := _mend(one))), None)


def words(error: BaseException) -> str:
    """What `error` says, for a message of the suite's own; what this machine lacks, with the mend, if it is that."""
    return lack(error) or str(error)


@contextmanager
def no_answer(*kinds: type[BaseException]) -> Iterator[None]:
    """Leaves the block when the other side gives no answer, in whatever way: by an OSError, or one of `kinds`.

    Raises ProbeError for what this machine lacks: who cannot ask has not seen that nobody answers.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, (OSError, *kinds)):
            raise
        if told := lack(error):
            raise ProbeError(f"a question could not be asked: {told}") from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, and what libraries have wrapped in it: as its cause, its context, its reason or an argument."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _mend(error: BaseException) -> str | None:
    """What mends a lack of this machine; None for any other error."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, socket.gaierror):
        return "let this machine resolve the name"
    mend = _MENDS.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{mend}; it is {open_files()}" if mend and error.errno == errno.EMFILE else mend  # type: ignore[attr-defined]


def _from_other_side(error: BaseException) -> bool:
    # Loaded here: who starts containers does not wait for the libraries of clients.
    from http.client import BadStatusLine, IncompleteRead, LineTooLong

    from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError
    from websocket import WebSocketAddressException, WebSocketException, WebSocketProxyException

    heard = (ConnectionError, BadStatusLine, IncompleteRead, LineTooLong, DecodeError, ProtocolError, ReadTimeoutError)
    # A WebSocket's time-out is one of reading or writing; a connection that is not made raises another error.
    spoken = isinstance(error, WebSocketException) and not isinstance(
        error, (WebSocketAddressException, WebSocketProxyException)
    )
    return isinstance(error, heard) or spoken
