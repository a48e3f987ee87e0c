"""Answers that services gave before, for callers who would get none now."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 1_000
LARGEST_BYTES = 64 * 1024


class EarlierAnswers:
    """The last good answer to each question: of the last 1,000 questions, and none that is older than `longest_s`.

    What is asked carries nothing of the caller's, so an answer is the same for all.
    """

    def __init__(self, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest_s, self._clock = longest_s, clock
        self._answers: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # by path; what was kept last stands last

    def keep(self, path: str, answer: bytes) -> None:
        """Keeps a good answer in the place of the one before, unless it is too large."""
        self._answers.pop(path, None)
        if len(answer) <= LARGEST_BYTES:
            self._answers[path] = (self._clock(), answer)
        if len(self._answers) > MOST:
            self._answers.popitem(last=False)

    def find(self, path: str) -> bytes | None:
        """The last good answer, if it is not too old."""
        kept_at, answer = self._answers.get(path, (0.0, None))
        return answer if self._clock() - kept_at <= self._longest_s else None
