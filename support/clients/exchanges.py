"""The last things that were said between the suite and the target: evidence when a scenario is not passed."""

import time
from collections import deque
from pathlib import Path

_KEPT = 500


class Exchanges:
    """A bounded record of what clients sent and got, a line each; never a token or another secret."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lines: deque[str] = deque(maxlen=_KEPT)

    def note(self, who: str, what: str) -> None:
        """Records that `who` (a client or a node) did or got `what`; long texts are cut at 300 characters."""
        self._lines.append(f"{time.monotonic() - self._began:9.3f} s  {who:<24} {what[:300]}")

    def last(self, count: int = 10) -> str:
        """The last `count` lines, for the message of an assertion."""
        return "\n".join(list(self._lines)[-count:])

    def write(self, path: Path) -> None:
        """Writes all that is kept to `path`. Seconds count from the start of the scenario."""
        path.write_text("\n".join(self._lines) + "\n", encoding="utf-8", errors="backslashreplace")
