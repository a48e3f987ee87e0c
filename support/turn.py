"""One at a time: of several processes that set up the same thing, one does it and the others find it done.

Standard library only, because the launcher takes turns before the virtual environment exists.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.errors import SuiteError
from support.polling import poll

# An engine, the requirements or an image from nothing take minutes on a slow line. The lock of a process that died
# is free at once: the kernel gives it back.
_WAIT_S = 1800.0


@contextmanager
def turn(
    path: Path, what: str, say: Callable[[str], None], given_up: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Holds the lock of `path`, a folder or a file (see `lock_file`), while `what` is set up.

    Says so when it has to wait for another process. Raises SuiteError after 30 minutes of that, and as soon as it is
    `given_up`.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not _locked(handle):
            say(f"another process is setting up {what}; waiting for it")
            held = poll(lambda: _locked(handle) or given_up(), _WAIT_S, every_s=0.1)
            if given_up():
                raise SuiteError(f"nobody waits for {what} any more")
            if not held:
                raise SuiteError(f"{path} was locked for {_WAIT_S:.0f} s; end the process that sets up {what}")
        yield
    finally:
        os.close(handle)


def lock_file(name: str) -> Path:
    """A file of this user's to be locked, for what has no folder of its own that all processes share."""
    shared = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # whatever TMPDIR says of one of them
    path = Path(shared) / f"l3-{name}-{os.getuid()}.lock"
    path.touch()
    return path


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
