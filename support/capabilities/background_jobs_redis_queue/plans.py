"""When jobs that have failed are to be tried again, as Redis is told when they fail.

When they are begun says less: a busy machine begins one late and the other later, as if they had been due apart.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, greater_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.beside import Beside
from support.capabilities.background_jobs_redis_queue.probe import Due
from support.errors import ProbeError

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_EARLY_S = 0.01  # clocks are read in milliseconds
_EVERY_S = 0.01
_FINE_S = 0.1  # a wait that is known less exactly is not counted
_ENOUGH = 0.75  # of the jobs: so many waits have to be known
_APART_S = 0.03  # where waits differ by up to 0.4 s, less is seen in one of a thousand runs on a very busy machine


class Wait(NamedTuple):
    """A wait that was planned, until `due` (seconds since the epoch); it is as long as this at least, and at most."""

    due: float
    shortest: float
    longest: float


class Plans:
    """Each wait of each job, from when it was not yet in Redis in one look, and was in the next."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._asked, self._seen = 0.0, dict[str, float]()
        self._waits: dict[str, Wait] = {}  # the last of each

    def follow(self) -> None:
        """From now on."""
        self._due = self._world.opened(Due(self._world.fleet, self._world.servers[0].due()))
        self._beside = Beside(self._world.closing, self._look, _EVERY_S)

    def _look(self) -> bool:
        asked = time.time()
        seen = self._due.moments()
        told = time.time()
        for job, due in seen.items():
            if self._seen.get(job) != due:
                self._waits[job] = Wait(due, due - told, due - self._asked)
        self._asked, self._seen = asked, seen
        return False

    def expect_apart(self, labels: Sequence[str], least_s: float) -> None:
        """The last waits of these jobs, of `least_s` or more, differ; each was begun after its own."""
        self._beside.end()
        last = {label: self._waits[id] for label in labels if (id := self._world.ids[label]) in self._waits}
        known = [wait for wait in last.values() if wait.longest - wait.shortest <= _FINE_S and wait.longest >= least_s]
        apart = max((wait.shortest for wait in known), default=0) - min((wait.longest for wait in known), default=0)
        if apart < _APART_S and len(known) < _ENOUGH * len(labels):
            raise ProbeError(f"the machine was too slow to see when jobs are to be tried again: {len(known)} were seen")
        assert_that(apart, greater_than_or_equal_to(_APART_S), "by how many seconds the last waits differ at least")
        for label, wait in last.items():
            after = self._world.arrivals(label)[-1].arrived - wait.due
            assert_that(
                after, greater_than_or_equal_to(-_EARLY_S), f"seconds from its time until {label} was begun last"
            )
