"""When jobs that have failed are to be tried again, as Redis is told when they fail.

When they are begun says less: a busy machine begins one late and the other later, as if they had been due apart.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, greater_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.probe import Due
from support.capabilities.background_jobs_redis_queue.times import EARLY_S
from support.errors import ProbeError
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_EVERY_S = 0.01
_FINE = 0.06  # of a wait: one that is known less exactly is not counted
_ENOUGH = 15  # waits that are known: where they are up to a quarter longer, these differ in 999 of 1000 runs or more
_APART = 0.01  # of a wait


class Wait(NamedTuple):
    """How long a wait was to be, in seconds: at least, and at most."""

    shortest: float
    longest: float


class Plans:
    """Each wait of each job, from when it was not yet in Redis in one look, and was in the next."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._last, self._seen = 0.0, dict[str, float]()  # the last look: when it was, and what was due
        self._due_last: dict[str, float] = {}
        self._waits: list[tuple[str, Wait]] = []

    def follow(self) -> None:
        """From now on."""
        self._due = Due(self._world.fleet, self._world.servers[0].due())
        self._watch = Watch(self._look, _EVERY_S, self._due)
        self._world.closing.callback(self._watch.stop)

    def _look(self) -> None:
        now, seen = self._due.moments()
        for job, due in seen.items():
            if self._seen.get(job) != due:
                self._waits.append((job, Wait(due - now, due - self._last)))
        self._due_last |= seen
        self._last, self._seen = now, seen

    def expect_apart(self, labels: Sequence[str], waits: Sequence[float]) -> None:
        """The waits of these jobs, of `waits` seconds and more, differ; no last try was begun before its time."""
        self._watch.end()
        jobs = {self._world.ids[label]: label for label in labels}
        known = [self._in_terms_of(wait, waits) for job, wait in self._waits if job in jobs]
        fine = [wait for wait in known if wait.longest - wait.shortest <= _FINE]
        apart = max((wait.shortest for wait in fine), default=0) - min((wait.longest for wait in fine), default=0)
        if apart < _APART and len(fine) < _ENOUGH:
            raise ProbeError(f"the machine was too slow to see when jobs are to be tried again: {len(fine)} were seen")
        assert_that(apart, greater_than_or_equal_to(_APART), "by which part of them waits differ at least")
        for job in jobs.keys() & self._due_last.keys():
            after = self._world.arrivals(jobs[job])[-1].arrived - self._due_last[job]
            assert_that(after, greater_than_or_equal_to(-EARLY_S), f"seconds from its time to the last try of {job}")

    @staticmethod
    def _in_terms_of(wait: Wait, waits: Sequence[float]) -> Wait:
        """As a part of the longest of `waits` that it may have been."""
        least = max((one for one in waits if one <= wait.longest + EARLY_S), default=min(waits))
        return Wait(wait.shortest / least, wait.longest / least)
