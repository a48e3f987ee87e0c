"""A scenario that hangs is ended at its deadline, so that the others still run and everything is cleaned.

Three lines of defence, each for what the one before cannot end: a signal raises inside the step, and again every two
seconds, in case the step swallows it; a thread ends the process when that did not help; and where even threads do not
get their turn (an extension that keeps the interpreter's lock), faulthandler ends it from outside of Python.
"""

import faulthandler
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from support.errors import SuiteError
from support.run.places import place_in
from support.settings import seconds

GRACE_S = 15.0
_AGAIN_S = 2.0


class ScenarioHung(SuiteError):
    """A scenario did not end before its deadline."""


class _Expired(BaseException):
    """Raised inside the step that hangs; no `except Exception` there stops it."""


def deadline_of(tags: Iterable[str], default_s: float) -> float:
    """Seconds that a scenario may take: its @deadline.<duration> (as in @deadline.30s), else `default_s`.

    Raises SuiteError when the tag is no duration.
    """
    for tag in tags:
        if tag.startswith("deadline."):
            try:
                return seconds(tag.removeprefix("deadline."))
            except ValueError as error:
                raise SuiteError(f"@{tag}: {error}") from error
    return default_s


class Deadline:
    """Watches one scenario at a time. `last_resort` is called in a thread when nothing else ends it."""

    def __init__(self, root: Path, last_resort: Callable[[str], None]) -> None:
        self._root = root
        self._last_resort = last_resort
        self._timer: threading.Timer | None = None
        self._inside: str | None = None
        self._hung = ""
        signal.signal(signal.SIGALRM, self._expire)

    def arm(self, limit_s: float) -> None:
        """Starts the clock of a scenario that may take `limit_s` seconds."""
        self.disarm()
        self._hung, self._limit_s = "", limit_s
        signal.setitimer(signal.ITIMER_REAL, limit_s, _AGAIN_S)
        self._timer = threading.Timer(limit_s + GRACE_S, lambda: self._last_resort(self._reason()))
        self._timer.daemon = True
        self._timer.start()
        faulthandler.dump_traceback_later(limit_s + 2 * GRACE_S, exit=True, file=2)

    def disarm(self) -> None:
        """Stops the clock."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        if self._timer:
            self._timer.cancel()

    def call(self, what: str, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Does `work`, which messages call `what`. Raises ScenarioHung at the deadline, whatever `work` made of it."""
        try:
            return self._call(what, work, *args, **kwargs)
        except _Expired as error:  # in the instant in which the work was over, but not yet noted as such
            raise ScenarioHung(self._reason()) from error

    def _call(self, what: str, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        outer = self._inside
        try:
            if not self._hung:
                self._inside = what
                result = work(*args, **kwargs)
                self._inside = outer
        except BaseException as error:
            self._inside = outer
            if self._hung:
                raise ScenarioHung(self._reason()) from error
            raise
        if self._hung:
            raise ScenarioHung(self._reason())
        return result

    def _expire(self, number: int, frame: FrameType | None) -> None:
        """Notes where the scenario stands, and raises there if that is in a step; between steps the next one raises."""
        if not self._hung:
            place = place_in(frame, self._root)
            self._hung = f"hung in {self._inside or 'behave itself'}" + (f" ({place})" if place else "")
        if self._inside:
            raise _Expired

    def _reason(self) -> str:
        return f"did not end within {self._limit_s:g} s: {self._hung}"
