"""Whether the suite itself stood still: what it then found too late may have been its own doing."""

import threading
import time

BEARABLE_S = 2.0  # no promise is as short as to be broken by less alone
_EVERY_S = 0.1


class Pulse:
    """A thread that beats; how long it did not, because the process was stopped, starved, or the machine asleep."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._last = _now()
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def begin(self) -> None:
        """Looks at what comes from now on."""
        self._longest_s, self._last = 0.0, _now()

    def stood_still(self) -> str | None:
        """A sentence when it did since `begin`, for longer than can be borne; else None."""
        longest_s = max(self._longest_s, _now() - self._last)
        if longest_s < BEARABLE_S:
            return None
        return f"the suite itself stood still for {longest_s:.1f} s, so what it saw too late says nothing of the target"

    def _beat(self) -> None:
        while True:
            time.sleep(_EVERY_S)
            now = _now()
            self._longest_s, self._last = max(self._longest_s, now - self._last), now


def _now() -> float:
    """Seconds of a clock that goes on while the machine sleeps (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
