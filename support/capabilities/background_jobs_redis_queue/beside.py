"""Looking again and again, beside everything else that a scenario does."""

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event

from support.polling import poll
from support.worlds.crowds import threads

_AT_MOST_S = 60.0


class Beside:
    """Calls `look` every `every_s` seconds until it is true, `end` is called or the scenario ends."""

    def __init__(self, closing: ExitStack, look: Callable[[], bool], every_s: float) -> None:
        self._ended = Event()
        pool = closing.enter_context(threads(1))
        closing.callback(self._ended.set)
        self._looking = pool.submit(poll, lambda: look() or self._ended.is_set(), _AT_MOST_S, every_s)

    def end(self) -> None:
        """No more of that. Raises what a look has raised."""
        self._ended.set()
        self._looking.result()
