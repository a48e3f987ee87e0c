"""A service that fails: when its jobs come back, and when they are put aside."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_EARLY_S = 0.01  # clocks are read in milliseconds
_APART_S = 0.2  # of waits that differ by up to half a second


class Tries:
    """The tries of jobs, by when the service was called."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._agreed: list[bool] = []

    def fail_each(self, times: int, count: int) -> None:
        """The service fails so many times for each of `count` jobs."""
        for label in self._world.many(count):
            self._world.service.arm("status", times=times, match={"path": f"/{label}"}, status=503)

    def hand_in(self) -> None:
        """Those jobs."""
        self._world.hand_in_many(self._world.labels)

    def expect_waits(self, waits: list[float], spread: float, late_s: float) -> None:
        """Each job was begun again after each of `waits`, longer by up to `spread` of it, and `late_s` late."""
        self._world.expect_done(sum(waits) * (1 + spread) + late_s * len(waits))
        for label in self._world.labels:
            found = self._gaps(label)
            assert_that(len(found), equal_to(len(waits)), f"how often {label} was begun again")
            for gap, wait in zip(found, waits, strict=True):
                assert_that(gap, greater_than_or_equal_to(wait - _EARLY_S), f"seconds that {label} waited")
                assert_that(gap, less_than_or_equal_to(wait * (1 + spread) + late_s), f"seconds that {label} waited")

    def expect_spread(self) -> None:
        """The last waits differ from job to job, by more than comes from being late."""
        waits = [self._gaps(label)[-1] for label in self._world.labels]
        assert_that(max(waits) - min(waits), greater_than_or_equal_to(_APART_S), "by how much the last waits differ")

    def exhaust(self, tries: int) -> None:
        """The service fails until a job is put aside, after so many tries."""
        label = self._world.label()
        self._world.service.arm("status", times=None, match={"path": f"/{label}"}, status=503)
        self._world.hand_in(Job(label))
        self._world.expect_put_aside(label, 9.0, "503")
        assert_that(self._world.starts()[label], equal_to(tries), f"how often {label} was begun until then")

    def hand_back(self, times: int) -> None:
        """The service is well, and somebody hands the job back so many times."""
        self._world.answer()
        id = self._world.ids[self._world.labels[0]]
        self._agreed = [server.requeue(id) for server in self._world.servers[:times]]

    def expect_agreed(self, *agreed: bool) -> None:
        """What was said to that."""
        assert_that(self._agreed, equal_to(list(agreed)), "whether the job was taken back, each time")

    def expect_begun(self, times: int) -> None:
        """All its tries together were so many, and it is done."""
        self._world.expect_done()
        assert_that(self._world.starts()[self._world.labels[0]], equal_to(times), "how often the job was begun in all")

    def refuse(self) -> None:
        """The service refuses every job."""
        self._world.service.arm("status", times=None, match={"path": f"/{self._world.name}-*"}, status=422)

    def expect_no_other(self, within_s: float, quiet_s: float) -> None:
        """It is put aside within `within_s`, and was begun once `quiet_s` later."""
        (label,) = self._world.labels
        self._world.expect_put_aside(label, within_s)
        wait_until(time.monotonic() + quiet_s)
        assert_that(self._world.starts()[label], equal_to(1), "how often a job was begun that the service refused")

    def _gaps(self, label: str) -> list[float]:
        return [after.arrived - before.arrived for before, after in pairwise(self._world.arrivals(label))]
