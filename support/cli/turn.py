"""One at a time: of several processes that set up the same thing, one does it and the others find it done."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cli.progress import say
from support.errors import SuiteError
from support.polling import poll

_WAIT_S = 900.0  # an engine and the requirements, over a slow line


@contextmanager
def turn(folder: Path, what: str) -> Iterator[None]:
    """Holds the lock of `folder`, which the kernel frees whatever the holder dies of; `what` is being set up.

    Says so when it has to wait. Raises SuiteError after 15 minutes of it.
    """
    # A folder can be locked itself (flock(2)): no lock file is left lying in the clone.
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not _locked(handle):
            say(f"another process is setting up {what}; waiting for it")
            if not poll(lambda: _locked(handle), _WAIT_S, every_s=0.1):
                raise SuiteError(f"{folder} was locked for {_WAIT_S:.0f} s; end the process that sets up {what}")
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
