"""Jobs that are taken back, that wait for others, whose progress is followed; and how many are done at once."""

import time
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Kind, Report, State
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World


class Followed:
    """What is told of jobs while they wait, are done, and after."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._reports: list[Report] = []
        self._done_at = 0.0
        self._at_once = 0

    # At once

    def slow_service(self, takes_s: float) -> None:
        """The service takes so long for each job."""
        self._world.service.arm("slow", times=None, match={"path": f"/{self._world.name}-*"}, ms=round(takes_s * 1000))

    def do(self, count: int) -> None:
        """Hands in so many jobs, and sees all of them done; how many the service had at once is kept."""
        mark = self._world.service.mark()
        self._world.hand_in_many(self._world.many(count))
        self._world.expect_done(20.0)
        calls = self._world.service.arrivals(since=mark, path=f"/{self._world.name}-*")
        begun = [(call.arrived, 1) for call in calls]
        ended = [(call.ended or time.time(), -1) for call in calls]
        self._at_once = max(accumulate(change for _, change in sorted(begun + ended)))

    def expect_at_once(self, count: int) -> None:
        """The most jobs that the service had at one moment were so many. AssertionError if not."""
        assert_that(self._at_once, equal_to(count), "jobs that the service had at once")

    # Taken back, and one after the other

    def cancel(self, place: int) -> None:
        """The job of that place is taken back, in time."""
        label = self._world.labels.pop(place)
        must(self._world.servers[1].cancel(self._world.ids[label]), f"{label} was not to be taken back")

    def expect_rest(self, within_s: float) -> None:
        """The others are done, and nothing else was begun."""
        self._world.expect_done(within_s)
        self._world.expect_begun_once()

    def chain(self) -> None:
        """One more job, which is to be done after the first."""
        first = self._world.ids[self._world.labels[0]]
        self._world.hand_in(Job(self._world.label("second"), after=first))

    def expect_one_after_the_other(self, within_s: float) -> None:
        """Both are done, and the second was begun when the first had ended."""
        self._world.expect_done(within_s)
        self._world.expect_begun_once()
        first, second = (self._world.arrivals(label)[0] for label in self._world.labels)
        assert_that(second.arrived - (first.ended or 0), greater_than_or_equal_to(0), "seconds between the two")

    # Progress

    def fail_at_step(self, step: int) -> None:
        """The service fails once, at that step of a job."""
        self._label = self._world.label("steps")
        self._refused = self._world.service.arm("status", match={"path": f"/{self._label}/{step}"}, status=503)
        self._world.service.arm("slow", times=None, match={"path": f"/{self._label}/*"}, ms=150)

    def follow(self) -> None:
        """Hands the job in, and asks for it until it is done."""
        self._world.hand_in(Job(self._label, Kind.IN_STEPS))
        must(poll(self._look, 8.0, 0.02), f"{self._label} was not done in 8 s")
        self._refused.await_hits()
        self._done_at = time.monotonic()

    def _look(self) -> bool:
        self._reports.append(self._world.servers[len(self._reports) % 2].report(self._world.ids[self._label]))
        return self._reports[-1].state is State.DONE

    def expect_grew(self) -> None:
        """Every step was told, none less than the one before, and the last is all of it."""
        told = [report.progress for report in self._reports]
        assert_that([pair for pair in pairwise(told) if pair[0] > pair[1]], equal_to([]), "progress that went back")
        assert_that(told[-1], equal_to(100), "what was told last")
        assert_that(len(set(told)), greater_than_or_equal_to(3), "different values that were told")
        self._world.expect_done(0)

    def expect_kept(self, kept_s: float, gone_s: float) -> None:
        """Its result is known for `kept_s`, and `gone_s` after it was done it is not."""
        wait_until(self._done_at + kept_s)
        state, asked_s = self._world.servers[0].report(self._world.ids[self._label]).state, time.monotonic()
        if state is not State.DONE and asked_s > self._done_at + kept_s + 0.3:
            raise ProbeError("the machine was too slow to ask for the result in time")
        assert_that(state, equal_to(State.DONE), f"what is known after {kept_s:g} s")
        wait_until(self._done_at + gone_s)
        state = self._world.servers[1].report(self._world.ids[self._label]).state
        assert_that(state, equal_to(State.FORGOTTEN), f"what is known after {gone_s:g} s")
