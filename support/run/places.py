"""Where in our own code something happened."""

import os
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType

_LIBRARIES = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib"))
_LEDGER = str(Path(__file__).parent)


def place_of(error: BaseException, root: Path) -> str | None:
    """path:line of the innermost frame below `root` that `error` came through, or None."""
    return _innermost(((f.f_code.co_filename, line) for f, line in _walk(error.__traceback__)), root)


def place_in(frame: FrameType | None, root: Path) -> str | None:
    """path:line of the innermost frame below `root` that is being executed at `frame`, or None."""
    stack = []
    while frame:
        stack.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return _innermost(reversed(stack), root)


def is_of_a_library(error: BaseException) -> bool:
    """Whether `error` was raised by Python's own library or an installed one, but for the one that makes assertions."""
    raised_in = [frame.f_code.co_filename for frame, _ in _walk(error.__traceback__)][-1:]
    return any(name.startswith(_LIBRARIES) and f"{os.sep}hamcrest{os.sep}" not in name for name in raised_in)


def _walk(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _innermost(frames: Iterable[tuple[str, int]], root: Path) -> str | None:
    """The ledger's own frames are left out: every step runs through them."""
    ours = [
        f"{Path(name).relative_to(root)}:{line}"
        for name, line in ((str(Path(name).absolute()), line) for name, line in frames)
        if Path(name).is_relative_to(root) and "site-packages" not in name and not name.startswith(_LEDGER)
    ]
    return ours[-1] if ours else None
