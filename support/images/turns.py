"""One at a time: of several processes that lack the same image, one builds it and the others find it."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from support.errors import ImageError
from support.polling import poll

# A build from nothing takes minutes on a slow line; the lock of a process that died is free at once.
WAIT_S = 1800.0


@contextmanager
def turn(service: str, say: Callable[[str], None]) -> Iterator[None]:
    """Holds this user's lock for the image of `service`. Raises ImageError after 30 minutes of waiting."""
    path = Path(tempfile.gettempdir()) / f"l3-image-{os.getuid()}-{service}.lock"
    with path.open("a", encoding="utf-8") as file:
        if not _locked(file):
            say(f"the image {service} is being built already; waiting for it")
            if not poll(lambda: _locked(file), WAIT_S, every_s=0.2):
                raise ImageError(f"{path} was locked for {WAIT_S:.0f} s; end the process that builds {service}")
        yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
