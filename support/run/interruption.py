"""Ctrl-C and SIGTERM: both end a run the same way, with everything cleaned and the verdict told."""

import signal
import sys
from types import FrameType
from typing import Any

from behave.runner import Context

_CLEAN_UPS = vars(Context)["_do_cleanups"].__code__
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Interruption:
    """Remembers what interrupted the run: `by` is "Ctrl-C", "SIGTERM" or None."""

    def __init__(self, runner: Any) -> None:
        self.by: str | None = None
        self._runner = runner
        for number in _NAMES:
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Raises KeyboardInterrupt, unless the run is ending or something is being cleaned: that is not cut short."""
        name = _NAMES[signal.Signals(number)]
        self.by = self.by or name
        if self._runner.aborted:
            print(f"{name}: already ending, please wait until all is cleaned", file=sys.stderr)
        elif _in_cleanup(frame):
            self._runner.abort(reason=name)
        else:
            raise KeyboardInterrupt(name)


def _in_cleanup(frame: FrameType | None) -> bool:
    """behave gives up the rest of a layer's clean-ups when one is interrupted."""
    while frame:
        if frame.f_code is _CLEAN_UPS:
            return True
        frame = frame.f_back
    return False
