"""What is said to the user on stderr: lines, and steps that show that they are still going on.

The lines go to the process's own stderr, also while a test runner captures `sys.stderr`.
"""

import sys
import threading
import time
from types import TracebackType

_SHOWN_AFTER_S = 2.0
_TERMINAL_EVERY_S = 1.0
_LOG_EVERY_S = 10.0
_ERASE = "\r\033[K"


def say(text: str) -> None:
    """Prints one line; steps that are going on are shown below it."""
    with _lock:
        _write(f"{_ERASE if _live() else ''}{text}\n")


class Step:
    """Something that may take long, as a context: `with Step("installing the requirements"):`.

    Its beginning and its end, with the seconds that it took, are a line each. While it lasts, a terminal
    shows the seconds pass; a log gets a line every 10 s. Several steps may go on at once.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._began = 0.0

    def __enter__(self) -> "Step":
        self._began = time.monotonic()
        say(f"{self._text} …")
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._ticker.join()
        say(f"{self._text}: {'failed after' if kind else 'done,'} {self._elapsed():.1f} s")

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _tick(self) -> None:
        pause = _SHOWN_AFTER_S if _live() else _LOG_EVERY_S
        while not self._ended.wait(pause):
            line = f"{self._text} … {self._elapsed():.0f} s"
            with _lock:
                _write(_ERASE + line if _live() else line + "\n")
            pause = _TERMINAL_EVERY_S if _live() else _LOG_EVERY_S


_lock = threading.Lock()


def _live() -> bool:
    """Whether a line can be written over."""
    return sys.__stderr__ is not None and sys.__stderr__.isatty()


def _write(text: str) -> None:
    print(text, end="", file=sys.__stderr__, flush=True)
