"""Jobs whose progress is followed, until their result is forgotten."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty, equal_to, greater_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Kind, Report, State
from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_STEP_MS = 150
_OVER = (State.DONE, State.FORGOTTEN)


class Look(NamedTuple):
    """What a node told of a job, and when it was asked and had answered (monotonic seconds)."""

    asked: float
    told_at: float
    report: Report


class Progress:
    """What is told of jobs in steps while they wait, are done, and after."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._looks: dict[str, list[Look]] = {}

    def wait_at_step(self, failing: int, waiting: int, count: int) -> None:
        """The service fails once at a step of each of so many jobs, and lets them wait at a later one."""
        arm, name = self._world.service.arm, self._world.name
        for label in self._world.many(count, "steps"):
            arm("status", match={"path": f"/{label}/{failing}"}, status=503)
            self._looks[label] = []
        self._held = arm("hold_before", times=None, match={"path": f"/{name}-*/{waiting}"})
        arm("slow", times=None, match={"path": f"/{name}-*"}, ms=_STEP_MS)
        for label in self._world.labels:
            self._world.hand_in(Job(label, Kind.IN_STEPS))
        poll(lambda: len(self._held.waiting()) == count or self._look(), 8.0, 0.02)
        self._held.await_waiting(count)

    def follow(self) -> None:
        """The service answers, and everybody asks until each job is done."""
        self._held.heal()
        must(poll(self._look, 10.0, 0.02), f"not all of {', '.join(self._looks)} were done in 10 s")

    def _look(self) -> bool:
        """Asks for each job; whether all are over."""
        return all([self._state_of(label) in _OVER for label in self._looks])

    def _state_of(self, label: str) -> State:
        looks = self._looks[label]
        server, asked = self._world.servers[len(looks) % 2], time.monotonic()
        report = server.report(self._world.ids[label])
        looks.append(Look(asked, time.monotonic(), report))
        return report.state

    def expect_grew(self) -> None:
        """Every step of each was told, none less than the one before, and the last is all of it."""
        for label, looks in self._looks.items():
            told = [look.report.progress for look in looks if look.report.state is not State.FORGOTTEN]
            fell = [pair for pair in pairwise(told) if pair[0] > pair[1]]
            assert_that(fell, empty(), f"progress of {label} that went back")
            assert_that(told[-1], equal_to(100), f"what was told of {label} last")
            assert_that(len(set(told)), greater_than_or_equal_to(3), f"different values that were told of {label}")
        self._world.expect_done(0)

    def expect_kept(self, kept_s: float, gone_s: float) -> None:
        """The result of the job that was done first is known for `kept_s`, and `gone_s` after that it is not."""
        done = {look.told_at: label for label, looks in self._looks.items() for look in looks if _is_done(look)}
        if not done:
            raise ProbeError("no result was seen before it was forgotten")
        label, looks = done[min(done)], self._looks[done[min(done)]]
        poll(lambda: self._state_of(label) is State.FORGOTTEN, min(done) + gone_s - time.monotonic())
        open_until = max(look.asked for look in looks if look.report.state is State.OPEN)
        early = [look.report.state for look in looks if look.told_at < open_until + kept_s]
        assert_that(
            early.count(State.FORGOTTEN), equal_to(0), f"how often {label} was not known in the first {kept_s:g} s"
        )
        assert_that(looks[-1].report.state, equal_to(State.FORGOTTEN), f"what is known of {label} after {gone_s:g} s")


def _is_done(look: Look) -> bool:
    return look.report.state is State.DONE
