"""Answers that services gave before, for callers who would get none now."""

from cachetools import TTLCache

MOST = 1_000
LARGEST_BYTES = 64 * 1024


class EarlierAnswers:
    """The last good answer to each question: of the last 1,000 questions, and none that is older than `longest_s`.

    What is asked carries nothing of the caller's, so an answer is the same for all.
    """

    def __init__(self, longest_s: float) -> None:
        self._answers: TTLCache[str, bytes] = TTLCache(MOST, longest_s)  # by path

    def keep(self, path: str, answer: bytes) -> None:
        """Keeps a good answer in the place of the one before, unless it is too large."""
        self._answers.pop(path, None)
        if len(answer) <= LARGEST_BYTES:
            self._answers[path] = answer

    def find(self, path: str) -> bytes | None:
        """The last good answer, if it is not too old."""
        return self._answers.get(path)
