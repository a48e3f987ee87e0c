"""Calls with pauses between them, so that one after the other falls out of the window in which they count together."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from support.capabilities.rate_limiting_redis.calls import WINDOW_S, slowest
from support.errors import ProbeError
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World


class Waves:
    """Calls of one customer, a few at a time."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def call(self, name: str, waves: Sequence[tuple[float, int]]) -> None:
        """Each wave so many seconds after the one before it was answered, with so many calls at once.

        ProbeError where the answers to one wave came later than a window after the wave before it, whoever called.
        """
        self._late = ""
        self._world.call_anew(name, lambda: self._call(name, waves), lambda _: self._late)
        if self._late:
            raise ProbeError(self._late)

    def _call(self, name: str, waves: Sequence[tuple[float, int]]) -> None:
        began, self._late = time.monotonic(), ""
        for pause_s, count in waves:
            before, began = began, time.monotonic() + pause_s
            wait_until(began)
            self._world.call_at_once(name, count)
            if time.monotonic() - before > WINDOW_S:
                over = f"a wave of calls took so long that the {WINDOW_S:g} s of the one before were over"
                self._late = f"{over}; {slowest(self._world.calls[name][-count:])}"
