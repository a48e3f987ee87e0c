"""How many messages the workers are at work on at once: one that ended by an exception is missed there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import World

_MANY = 24  # messages, more than are under way at once
_STEADY_S = 1.0  # in which nobody else begins


class Strength:
    """What the workers can do at once, before something befalls them and after it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._before = 0

    def note(self) -> None:
        """As many as are under way when many wait."""
        with self._many_wait() as under_way:
            while poll(lambda: under_way() > self._before, _STEADY_S):
                self._before = under_way()
        self._world.expect_done(WELL_WITHIN_S)

    def expect_kept(self) -> None:
        """As many are under way when many wait. AssertionError with how many are."""
        with self._many_wait() as under_way:
            poll(lambda: under_way() >= self._before, WELL_WITHIN_S)
            now = under_way()
        must(now >= self._before, f"{now} messages were under way at once, and {self._before} before")

    @contextmanager
    def _many_wait(self) -> Iterator[Callable[[], int]]:
        """Many messages, each of another customer, which the provider holds; how many of them are under way."""
        world = self._world
        held = world.provider.arm("hold_before", times=None)
        try:
            for_each(range(_MANY), lambda _: world.accept(world.new()), at_once=_MANY)
            yield lambda: len(held.waiting())
        finally:
            held.heal()
