"""Looking at something all the while that something else goes on."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol


class Closable(Protocol):
    """What a watch looks by."""

    def close(self) -> None:
        """Gives its connections back."""


class Watch:
    """Looks every `every_s` seconds, in a thread of its own, from now until `end` or `stop`, and then closes `eyes`.

    `looks` is how often it has, `gap_s` the longest time in seconds that went by until a look was done.
    """

    def __init__(self, look: Callable[[], object], every_s: float, *eyes: Closable) -> None:
        self.looks, self.gap_s = 0, 0.0
        self._look, self._every_s = look, every_s
        self._eyes = ExitStack()
        for eye in eyes:
            self._eyes.callback(eye.close)
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stops, and raises what a look raised: whoever could not see everything must not say that all was well."""
        self.stop()
        if self._error:
            raise self._error

    def stop(self) -> None:
        """Stops after the look that goes on."""
        self._stopping.set()
        self._thread.join()
        self._eyes.close()

    def _run(self) -> None:
        try:
            seen = time.monotonic()
            while not self._stopping.wait(self._every_s):
                self._look()
                self.looks += 1
                before, seen = seen, time.monotonic()
                self.gap_s = max(self.gap_s, seen - before)
        except Exception as error:  # noqa: BLE001 - raised again by `end`, in the thread that waits for it
            self._error = error
