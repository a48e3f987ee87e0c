"""Workers that die, freeze or are asked to end, and jobs that end or hang their worker."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Kind
from support.capabilities.background_jobs_redis_queue.times import BEGUN_S
from support.errors import ProbeError
from support.polling import poll
from support.promise import broken
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World


_LEFT_S = 0.9  # of the time that a run may take; a lease lasts for 1.5 s, and is renewed every quarter of that


class Deaths:
    """What becomes of the jobs that were under way."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._others: list[str] = []
        self._had_keys: list[str] = []

    def expect_begun_again(self, count: int) -> None:
        """So many jobs were begun once more than the others."""
        starts = self._world.starts()
        begun = Counter(starts[label] for label in self._world.labels)
        fewest = min(begun)
        wanted = {fewest + 1: count, fewest: len(self._world.labels) - count}
        assert_that(dict(begun), equal_to(wanted), "how many jobs were begun how often, by the service")

    def answer_some(self, count: int) -> None:
        """So many jobs of the second worker are done, and their places are free. ProbeError when it has fewer."""
        worker = self._world.nodes[-1].name
        calls = [call for call in self._world.held.waiting() if call.via == worker][:count]
        if len(calls) < count:
            raise ProbeError(f"{worker} has only {len(calls)} jobs under way")
        self._world.held.release(*[call.seq for call in calls])
        self._world.expect_done(labels=[call.path.strip("/") for call in calls])

    def expect_last_counts(self, quiet_s: float) -> None:
        """`quiet_s` later each job has one effect, that of the run that was begun last."""
        wait_until(time.monotonic() + quiet_s)
        self._world.expect_done(0)
        starts = self._world.starts()
        found = {label: self._world.effects.tries(label) for label in self._world.labels}
        wanted = {label: [starts[label]] for label in self._world.labels}
        assert_that(found, equal_to(wanted), "the run of each job whose effect stands in the database")

    def hand_in_fatal(self, count: int, others: int) -> None:
        """So many jobs that end their process, and others."""
        self._fatal = [f"{self._world.name}-fatal-{number}" for number in range(count)]
        for label in self._fatal:
            self._world.hand_in(Job(label, Kind.END_ITS_PROCESS))
        self.hand_in_others(others)

    def hand_in_others(self, count: int) -> None:
        """Jobs that are as good as any."""
        self._handed_in = time.time()
        self._others = self._world.many(count, "other")
        self._world.hand_in_many(self._others)

    def expect_others_done(self, within_s: float) -> None:
        """Each of these is done exactly once."""
        self._world.expect_done(within_s, self._others)

    def expect_given_up(self, within_s: float, starts: int) -> None:
        """Those are put aside within `within_s`, after so many starts."""
        deadline = time.monotonic() + within_s
        for label in self._fatal:
            self._world.expect_put_aside(label, deadline - time.monotonic())
        begun, wanted = self._world.starts(), dict.fromkeys(self._fatal, starts)
        assert_that({label: begun[label] for label in wanted}, equal_to(wanted), "how often each job was begun")

    # A backlog, and a second loss

    def wait_behind(self, count: int) -> None:
        """So many jobs wait, while those with keys of their own are under way."""
        self._had_keys = list(self._world.labels)
        self._world.hand_in_many(self._world.many(count, "behind"))

    def free_second_after(self, time_s: float) -> None:
        """`time_s` later the places of the second worker are free, and have begun others. Nobody's key is free."""
        wait_until(time.monotonic() + time_s)
        mark = self._world.service.mark()
        worker = self._world.nodes[-1].name
        calls = [call for call in self._world.held.waiting() if call.via == worker]
        self._world.held.release(*[call.seq for call in calls])
        self._begun = self._world.service.await_arrivals(len(calls), 5.0, since=mark, path=f"/{self._world.name}-*")
        done = {call.path.strip("/") for call in calls}
        self._lost = [label for label in self._had_keys if label not in done]
        self._world.expect_done(labels=sorted(done))
        for label in self._lost:
            self._world.keys.expect_taken_key(label)

    def answer_unheard(self) -> None:
        """The service answers; what was under way is in the database."""
        self._world.answer()
        self._world.expect_done(labels=self._lost)

    def expect_lost_first(self) -> None:
        """The jobs of the first worker were begun before those that waited behind them; their keys are free."""
        begun = {call.path.strip("/") for call in self._begun}
        assert_that(sorted(begun), equal_to(sorted(self._lost)), "what was begun when the second worker was free")
        self._world.keys.expect_all_free(self._lost, 1.0)

    def expect_begun_at_once(self, count: int) -> None:
        """So many jobs are under way at the same time; no place was lost."""
        mark = self._world.service.mark()
        self._world.hold()
        self._world.hand_in_many(self._world.many(count, "again"))
        begun = self._world.service.await_arrivals(count, 3.0, since=mark, path=f"/{self._world.name}-again-*")
        assert_that(len(begun), equal_to(count), "jobs that were under way at once")
        self._world.answer()

    def hang(self, count: int, limit_s: float) -> None:
        """So many jobs are under way that may take `limit_s`, and hear nothing from the service at their first try."""
        self._hung = self._world.many(count, "hung")
        faults = [self._world.service.arm("hang", match={"path": f"/{label}"}) for label in self._hung]
        for label in self._hung:
            self._world.hand_in(Job(label, timeout_s=limit_s))
        for fault in faults:
            fault.await_hits()
        begun = min(self._world.arrivals(label)[0].arrived for label in self._hung)
        # A worker that is cut off ends its runs with their lease, too. So little is left that the limit comes first.
        time.sleep(max(0.0, begun + limit_s - _LEFT_S - time.time()))

    def expect_ended(self, limit_s: float, late_s: float) -> None:
        """The first run of each was ended by its worker after `limit_s`, the promptest of each at most `late_s` late.

        A busy machine makes one of them late; a worker that ends none in time does so with all of its own.
        """
        poll(lambda: all(self._world.arrivals(label)[0].ended for label in self._hung), limit_s + late_s)
        ends = [self._world.arrivals(label)[0] for label in self._hung]
        soonest: dict[str, float] = {}
        for label, first in zip(self._hung, ends, strict=True):
            if not first.ended:
                broken(f"{label} was not ended")
            took_s = first.ended - first.arrived
            assert_that(took_s, greater_than_or_equal_to(limit_s - BEGUN_S), f"seconds that {label} was let run")
            soonest[first.via] = min(took_s, soonest.get(first.via, took_s))
        for worker, took_s in soonest.items():
            assert_that(took_s, less_than_or_equal_to(limit_s + late_s), f"seconds that {worker} let its promptest run")
        if all(first.ended and first.ended < self._handed_in for first in ends):
            raise ProbeError("all of them were ended before the others were handed in")
