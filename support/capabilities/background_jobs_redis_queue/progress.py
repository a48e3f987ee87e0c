"""Jobs in steps, whose progress is followed until they are done."""

from itertools import pairwise
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Kind, Report, State
from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_STEPS = 5
_STEP_MS = 200  # so that the progress of a run that is begun again is asked for at each step
_OVER = (State.DONE, State.FORGOTTEN)


class Progress:
    """What is told of jobs in steps while they are done."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._told: dict[str, list[Report]] = {}
        self._waiting: dict[str, int] = {}  # what was told of each while it waited at a step

    def wait_at_step(self, failing: int, waiting: int, count: int) -> None:
        """The service fails once at a step of each of so many jobs, and lets them wait at a later one."""
        arm, name = self._world.service.arm, self._world.name
        for label in self._world.many(count, "steps"):
            arm("status", match={"path": f"/{label}/{failing}"}, status=503)
            self._told[label] = []
        self._held = arm("hold_before", times=None, match={"path": f"/{name}-*/{waiting}"})
        self._before = 100 * (waiting - 1) // _STEPS
        for label in self._world.labels:
            self._world.hand_in(Job(label, Kind.IN_STEPS))
        poll(lambda: len(self._held.waiting()) == count or self._look(), 8.0, 0.02)
        self._held.await_waiting(count)

    def follow(self, within_s: float) -> None:
        """The service answers, and within `within_s` each job is done, for which everybody asks until then."""
        self._look()
        self._waiting = {label: told[-1].progress for label, told in self._told.items()}
        self._world.service.arm("slow", times=None, match={"path": f"/{self._world.name}-*"}, ms=_STEP_MS)
        self._held.heal()
        must(poll(self._look, within_s, 0.02), f"not all of {', '.join(self._told)} were done in {within_s:g} s")
        self._world.expect_done(0)

    def _look(self) -> bool:
        """Asks for each job; whether all are over."""
        return all([self._state_of(label) in _OVER for label in self._told])

    def _state_of(self, label: str) -> State:
        told = self._told[label]
        told.append(self._world.servers[len(told) % 2].report(self._world.ids[label]))
        return told[-1].state

    def expect_grew(self) -> None:
        """What was told while they waited at a step was right, nothing was less than before, and the last is all."""
        told_then = dict.fromkeys(self._told, self._before)
        assert_that(self._waiting, equal_to(told_then), "progress of each while it waited at a step")
        for label, reports in self._told.items():
            told = [report.progress for report in reports if report.state is not State.FORGOTTEN]
            fell = [pair for pair in pairwise(told) if pair[0] > pair[1]]
            assert_that(fell, empty(), f"progress of {label} that went back")
            if State.DONE not in {report.state for report in reports}:
                raise ProbeError(f"the machine was too slow to ask for {label} while its result was kept")
            assert_that(told[-1], equal_to(100), f"what was told of {label} last")
