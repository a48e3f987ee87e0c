"""A service that fails: when its jobs come back, and when they are put aside."""

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Kind, State
from support.capabilities.background_jobs_redis_queue.times import BEGUN_S, EARLY_S, LATE_S
from support.clients.provider_control import ArmedFault
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World


class Tries:
    """The tries of jobs, by when the service was called."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._hopeless, self._refused = f"{world.name}-hopeless", f"{world.name}-refused"
        self._silent, self._slow = f"{world.name}-silent", f"{world.name}-slow"
        self._fatal = f"{world.name}-fatal"

    def fail_each(self, times: int, count: int) -> None:
        """The service fails so many times for each of `count` jobs, always for one more, and refuses another."""
        self._failing = self._world.many(count)
        for label in self._failing:
            self._fail(label, times)
        self._failure = self._fail(self._hopeless, None)
        self._fail(self._refused, None, status=422)

    def hang(self, answered: int, limit_s: float) -> None:
        """It fails so many times for one more, which may take `limit_s`, and does not answer it then."""
        self._answered, self._limit_s = answered, limit_s
        self._fail(self._silent, answered)
        self._world.service.arm("hang", times=None, match={"path": f"/{self._silent}"})

    def end_in(self, tries: int) -> None:
        """It fails for one more until its last try, in which it ends its process."""
        self._fail(self._fatal, tries - 1)

    def _fail(self, label: str, times: int | None, status: int = 503) -> ArmedFault:
        return self._world.service.arm("status", times=times, match={"path": f"/{label}"}, status=status)

    def hand_in(self, takes_s: float) -> None:
        """One for which it takes so long, and those jobs; first those that are over last."""
        self._world.plans.follow()
        self._world.labels.append(self._slow)
        self._world.service.arm("slow", match={"path": f"/{self._slow}"}, ms=round(takes_s * 1000))
        self._world.hand_in(Job(self._slow))
        self._world.hand_in(Job(self._fatal, Kind.END_ITS_PROCESS))
        self._world.hand_in(Job(self._silent, timeout_s=self._limit_s))
        self._world.hand_in_many([self._refused, self._hopeless, *self._failing])

    def expect_waits(self, count: int, waits: list[float], spread: float) -> None:
        """Each of the `count` jobs is done, and was begun again after each of `waits`, longer by up to `spread` of it.

        The waits differ from job to job, as they were planned.
        """
        self._waits = waits
        self._within_s = sum(waits) * (1 + spread) + LATE_S * len(waits)
        self._world.expect_done(self._within_s, self._failing)
        gaps = {label: self._gaps(label) for label in self._failing}
        assert_that([len(found) for found in gaps.values()], equal_to([len(waits)] * count), "how often each came back")
        # A busy machine makes some late, and a wait that is too long is so for all.
        for found, wait in zip(zip(*gaps.values(), strict=True), waits, strict=True):
            assert_that(min(found), greater_than_or_equal_to(wait - EARLY_S), "seconds of the shortest wait")
            assert_that(median(found), less_than_or_equal_to(wait * (1 + spread) + LATE_S), "seconds of most waits")
        self._world.plans.expect_apart(self._failing, waits)

    def expect_put_aside(self, tries: int) -> None:
        """Those that are not answered at last, or end their process, are put aside, after so many tries."""
        self._expect_silent_put_aside(tries)
        self._world.expect_put_aside(self._fatal, self._within_s + LATE_S)
        assert_that(self._world.starts()[self._fatal], equal_to(tries), "how often it was begun that ended its process")

    def _expect_silent_put_aside(self, tries: int) -> None:
        report, id = self._world.servers[0].report, self._world.ids[self._silent]
        poll(lambda: report(id).state is State.PUT_ASIDE, self._within_s + tries * self._limit_s)
        found, calls = report(id), self._world.arrivals(self._silent)
        assert_that((found.state, found.tries), equal_to((State.PUT_ASIDE, tries)), "what became of it, and its tries")
        must(found.error, "nobody is told why a job was put aside that was not answered")
        assert_that(len(calls), less_than_or_equal_to(tries), "how often it was begun")
        # On a busy machine a try may end before it has called: then there are fewer calls, further apart.
        for first, then in pairwise(calls[self._answered :]):
            gap, least = then.arrived - first.arrived, self._limit_s + self._waits[-1] - BEGUN_S
            assert_that(gap, greater_than_or_equal_to(least), "seconds until a job that was ended was begun again")

    def expect_done_after_all(self, tries: int) -> None:
        """The one for which the service always fails is put aside, after so many tries. Two hand it back.

        One of them is told no; it is done at the second try, for the service fails once more.
        """
        self._world.expect_put_aside(self._hopeless, self._within_s, "503")
        before = self._world.starts()[self._hopeless]
        assert_that(before, equal_to(tries), "how often it was begun until then")
        self._failure.heal()
        self._fail(self._hopeless, 1)
        agreed = [server.requeue(self._world.ids[self._hopeless]) for server in self._world.servers]
        assert_that(agreed, equal_to([True, False]), "whether it was taken, of each who handed it back")
        self._world.labels.append(self._hopeless)
        self._world.expect_done(labels=[self._hopeless])
        assert_that(self._world.starts()[self._hopeless], equal_to(before + 2), "how often it was begun in all")

    def expect_slow_done(self) -> None:
        """The one for which the service takes so long is done, and was begun once."""
        self._world.expect_done(labels=[self._slow])
        assert_that(self._world.starts()[self._slow], equal_to(1), "how often a job was begun that took long")

    def expect_refused(self, within_s: float) -> None:
        """The job that the service refuses is put aside within `within_s`, sooner than the waits between tries end."""
        self._world.expect_put_aside(self._refused, within_s, "422")

    def expect_still_aside(self) -> None:
        """That is still so, longer after than results are kept, and it was begun once."""
        assert_that(self._world.starts()[self._refused], equal_to(1), "how often a job was begun that was refused")
        self._world.expect_put_aside(self._refused, 0, "422")

    def _gaps(self, label: str) -> list[float]:
        return [after.arrived - before.arrived for before, after in pairwise(self._world.arrivals(label))]
