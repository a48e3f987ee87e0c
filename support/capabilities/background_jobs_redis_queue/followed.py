"""Jobs that wait for others, and how many are done at once."""

import time
from itertools import accumulate
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Outcome, State
from support.errors import ProbeError
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_EARLY_S = 0.01  # clocks are read in milliseconds
_KEPT_S = 1.9  # for which the result of a job is kept, nearly


class Followed:
    """When jobs are begun, by when others are."""

    def __init__(self, world: "World") -> None:
        self._world = world
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

    # One after the other

    def chain(self, delay_s: float) -> None:
        """Two more jobs that are to be done after the first, the second of these not before `delay_s` from now."""
        self._first = self._world.ids[self._world.labels[0]]
        self._world.hand_in(Job(self._world.label("second"), after=self._first))
        self._not_before = time.time() + delay_s
        self._world.hand_in(Job(self._world.label("third"), after=self._first, delay_s=delay_s))

    def chain_late(self) -> None:
        """One more, when the first is known to be done. ProbeError when that was forgotten meanwhile."""
        first = self._world.labels[0]
        self._world.expect_done(labels=[first])
        report = self._world.servers[0].report
        poll(lambda: report(self._first).state is not State.OPEN, 2.0)
        self._known_at, self._done_at = time.time(), self._world.arrivals(first)[0].ended or 0
        answer = self._world.offer(Job(self._world.label("fourth"), after=self._first))
        if answer.outcome is Outcome.REFUSED and time.time() > self._done_at + _KEPT_S:
            raise ProbeError("the machine was too slow to hand in a job while the result of another was kept")
        assert_that(answer.outcome, equal_to(Outcome.TAKEN), "what a job was told that waits for one that is done")

    def expect_in_turn(self, within_s: float) -> None:
        """All are done, each begun once and when the first had ended, the third not before its time."""
        self._world.expect_done(within_s)
        self._world.expect_begun_once()
        first, *others = (self._world.arrivals(label)[0] for label in self._world.labels)
        for other in others:
            early = other.arrived - (first.ended or 0)
            assert_that(early, greater_than_or_equal_to(0), f"seconds from the end of the first to {other.path}")
        early = others[1].arrived - self._not_before
        assert_that(early, greater_than_or_equal_to(-_EARLY_S), f"seconds from its time to {others[1].path}")

    def expect_kept(self, kept_s: float, gone_s: float) -> None:
        """The result of the first is known for `kept_s`, and `gone_s` after it was it is not."""
        self._world.schedules.let_pass(self._done_at + kept_s - time.time())
        state = self._world.servers[0].report(self._first).state
        if state is State.FORGOTTEN and time.time() > self._done_at + _KEPT_S:
            raise ProbeError("the machine was too slow to ask for the result in time")
        assert_that(state, equal_to(State.DONE), f"what is known after {kept_s:g} s")
        report, left_s = self._world.servers[1].report, self._known_at + gone_s - time.time()
        gone = poll(lambda: report(self._first).state is State.FORGOTTEN, left_s)
        assert_that(gone, equal_to(True), f"whether the result is forgotten after {gone_s:g} s")
