"""Ctrl-C and SIGTERM: both end a run the same way, with everything cleaned and the verdict told.

An interruption can come between the taking of a lock and the block that gives it back (a pool of connections has
such), and whoever cleans by the same lock then waits for ever. So cleaning has a deadline: the process ends at it, and
the guard cleans in its place.
"""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from behave.runner import Context

_CLEAN_UPS = vars(Context)["_do_cleanups"].__code__
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
CLEANED_WITHIN_S = 60.0  # takes 5 s, and 20 s beside other fleets


class Interruption:
    """Remembers what interrupted the run: `by` is "Ctrl-C", "SIGTERM" or None."""

    def __init__(self, runner: Any, last_resort: Callable[[str], None]) -> None:
        """`last_resort` is called in a thread when not all is cleaned in time, and ends the process."""
        self.by: str | None = None
        self._runner, self._last_resort = runner, last_resort
        for number in _NAMES:
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Raises KeyboardInterrupt, unless the run is ending or something is being cleaned: that is not cut short."""
        name = _NAMES[signal.Signals(number)]
        if not self.by:
            self.by = name
            self._allow(CLEANED_WITHIN_S)
        if self._runner.aborted:
            print(f"{name}: already ending, please wait until all is cleaned", file=sys.stderr)
        elif _in_cleanup(frame):
            self._runner.abort(reason=name)
        else:
            raise KeyboardInterrupt(name)

    def _allow(self, time_s: float) -> None:
        reason = f"interrupted by {self.by}; not all was cleaned within {time_s:g} s"
        timer = threading.Timer(time_s, self._last_resort, [reason])
        timer.daemon = True
        timer.start()


def _in_cleanup(frame: FrameType | None) -> bool:
    """behave gives up the rest of a layer's clean-ups when one is interrupted."""
    while frame:
        if frame.f_code is _CLEAN_UPS:
            return True
        frame = frame.f_back
    return False
