"""One scenario of background jobs: jobs of names that nobody has used before, and what became of them."""

import time
from collections import Counter, deque
from collections.abc import Iterable
from itertools import count

from hamcrest import assert_that, contains_string, empty, equal_to, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.calendar_lines import CalendarLines
from support.capabilities.background_jobs_redis_queue.client import Adapter, Answer, Job, Outcome, Priority, State
from support.capabilities.background_jobs_redis_queue.deaths import Deaths
from support.capabilities.background_jobs_redis_queue.keys import Keys
from support.capabilities.background_jobs_redis_queue.lives import Lives
from support.capabilities.background_jobs_redis_queue.mistakes import Mistakes
from support.capabilities.background_jobs_redis_queue.orders import Orders
from support.capabilities.background_jobs_redis_queue.places import SLOTS, Places
from support.capabilities.background_jobs_redis_queue.plans import Plans
from support.capabilities.background_jobs_redis_queue.probe import Effects
from support.capabilities.background_jobs_redis_queue.progress import Progress
from support.capabilities.background_jobs_redis_queue.schedules import Schedules
from support.capabilities.background_jobs_redis_queue.tries import Tries
from support.clients.provider_control import ArmedFault, Arrival
from support.clients.upstream_control import UpstreamControl
from support.faults.faults import Faults
from support.polling import poll
from support.promise import must
from support.worlds import world
from support.worlds.world import part, turns, wait_until

DONE_WITHIN_S = 8.0  # where no sentence says it


class World(world.World[Adapter]):
    """What the steps of one scenario share. `labels`: jobs that are to be done; `ids`: of all jobs."""

    deaths, keys, mistakes, places = part(Deaths), part(Keys), part(Mistakes), part(Places)
    orders, progress, schedules, tries = part(Orders), part(Progress), part(Schedules), part(Tries)
    calendar_lines, lives, plans = part(CalendarLines), part(Lives), part(Plans)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.service = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.effects = self.opened(Effects(self.fleet, self.nodes[0].effects()))
        self.servers = self.nodes[: len(self.nodes) // 2]
        self.name = self.fresh("job")
        self.labels: list[str] = []
        self.ids: dict[str, str] = {}
        self.last: list[str] = []  # the labels that were handed in last
        self._turns, self._numbers = turns(self.servers), count()

    # What is handed in

    def label(self, kind: str = "job") -> str:
        """The label of one more job that is to be done."""
        self.labels.append(f"{self.name}-{kind}-{next(self._numbers)}")
        return self.labels[-1]

    def offer(self, job: Job) -> Answer:
        """Hands it to the servers in turn."""
        return next(self._turns).enqueue(job)

    def hand_in(self, job: Job) -> None:
        """The same, of a job that has to be taken."""
        answer = self.offer(job)
        must(answer.outcome is Outcome.TAKEN and answer.id, f"the job {job.label} was not taken: {answer}")
        self.ids[job.label] = str(answer.id)

    def hand_in_many(self, labels: Iterable[str], priority: Priority = Priority.NORMAL) -> None:
        """A job for each label, in that order."""
        self.last = list(labels)
        for label in self.last:
            self.hand_in(Job(label, priority=priority))

    def many(self, count: int, kind: str = "job") -> list[str]:
        """So many labels of jobs that are to be done."""
        return [self.label(kind) for _ in range(count)]

    def hand_in_urgent(self, count: int, later_s: float = 0) -> None:
        """`count` jobs that go first, every second one for `later_s` later; returns when that time has come."""
        self.last = self.many(count)
        for number, label in enumerate(self.last):
            self.hand_in(Job(label, priority=Priority.HIGH, delay_s=number % 2 * later_s))
        wait_until(time.monotonic() + later_s)

    def hand_in_low(self, count: int, later_s: float = 0) -> None:
        """`count` jobs that can wait, every second one for `later_s` later."""
        for number, label in enumerate(self.many(count)):
            self.hand_in(Job(label, priority=Priority.LOW, delay_s=number % 2 * later_s))

    def hand_in_others(self, ordinary: int, low: int) -> None:
        """So many ordinary jobs, and so many that can wait."""
        labels = self.many(ordinary)
        self.hand_in_many(labels)
        self.hand_in_many(self.many(low), Priority.LOW)
        self.last = [*labels, *self.last]

    # What the service does

    def hold(self) -> ArmedFault:
        """From now on the service lets everybody wait who calls it for this scenario."""
        self.held = self.service.arm("hold_before", times=None, match={"path": f"/{self.name}-*"})
        return self.held

    def occupy(self, failures: int = 0) -> None:
        """Every place of both workers has a job, with a key of its own, that the service lets wait.

        Each has failed so many times before. FaultError when that cannot be.
        """
        labels = self.many(SLOTS, "busy")
        for label in labels if failures else []:
            self.service.arm("status", times=failures, match={"path": f"/{label}"}, status=503)
        self.hold()
        self._take_places(labels)

    def take_places(self) -> None:
        """The same, where the service lets everybody wait already. Whom it holds by then has a place, too."""
        self._take_places(self.many(SLOTS, "busy"))

    def _take_places(self, labels: list[str]) -> None:
        for label in labels:
            self.hand_in(Job(label, unique=label))
        self.held.await_waiting(SLOTS, within_s=8.0)

    def hold_one(self, job: Job | None = None) -> None:
        """A job that is under way, and that the service lets wait."""
        self.hold()
        self.hand_in(job or Job(self.label()))
        self.held.await_waiting(1)

    def answer(self) -> None:
        """The service answers whom it let wait, and everybody else."""
        self.service.heal()

    def answer_in_turn(self) -> None:
        """It answers one at a time, the next when the free place has begun a job; all, when the last jobs have begun.

        So jobs arrive in the order in which they are begun, however busy the machine is.
        """
        waiting, left, mark = deque(call.seq for call in self.held.waiting()), set(self.last), self.service.mark()
        while left:
            self.held.release(waiting.popleft())
            begun = poll(lambda: self.service.arrivals(since=mark, path=f"/{self.name}-*"), 5.0, 0.01)  # noqa: B023
            must(begun, f"a place was free, and none of {len(left)} jobs or more was begun in 5 s")
            mark = begun[-1].seq
            waiting += [call.seq for call in begun]
            left -= {call.path.strip("/") for call in begun}
        self.answer()

    # What must hold

    def arrivals(self, label: str = "") -> list[Arrival]:
        """The calls of a job, or of all jobs of the scenario."""
        return self.service.arrivals(path=f"/{label}" if label else f"/{self.name}-*")

    def starts(self) -> Counter[str]:
        """How often each job was begun, by the service's own count; of one in steps its first step tells."""
        return Counter(call.path.strip("/").removesuffix("/1") for call in self.arrivals())

    def done(self) -> Counter[str]:
        """How many effects each job has left in the database."""
        return self.effects.of(f"{self.name}-%")

    def expect_done(self, within_s: float = DONE_WITHIN_S, labels: list[str] | None = None) -> None:
        """Within `within_s` each of `labels`, or of all jobs, has exactly one effect."""
        wanted = Counter(self.labels if labels is None else labels)
        poll(lambda: all(self.done()[label] for label in wanted), within_s)
        found = self.done()
        assert_that({label: found[label] for label in wanted}, equal_to(dict(wanted)), "effects of each job")
        assert_that(sorted(set(found) - set(self.labels)), empty(), "effects that nobody asked for")

    def expect_known_done(self, within_s: float) -> None:
        """Within `within_s` each job is done exactly once, and the nodes know it; no answered call is repeated."""
        deadline = time.monotonic() + within_s
        self.expect_done(within_s)
        poll(lambda: self._states() <= {State.DONE, State.FORGOTTEN}, deadline - time.monotonic())
        done = [call for call in self.arrivals() if call.executed and call.status is not None]
        answered = Counter(call.path.strip("/") for call in done)
        assert_that(dict(answered), equal_to(dict(Counter(self.labels))), "calls that the service answered")
        assert_that(self._states() - {State.DONE, State.FORGOTTEN}, empty(), "what is told of jobs that are done")

    def _states(self) -> set[State]:
        return {self.servers[0].report(id).state for id in self.ids.values()}

    def expect_begun_once(self) -> None:
        """Each job was begun exactly once."""
        assert_that(dict(self.starts()), equal_to(dict(Counter(self.labels))), "starts of each job, by the service")

    def expect_order(self, count: int) -> None:
        """Before the last of those that were handed in last has begun, at most `count` of the others have."""
        self.expect_done()
        begun = [call.path.strip("/") for call in self.arrivals() if "-busy-" not in call.path]
        last = max(begun.index(label) for label in self.last)
        before = sum(label not in self.last for label in begun[:last])
        assert_that(before, less_than_or_equal_to(count), "other jobs that were begun before the last of these")

    def expect_put_aside(self, label: str, within_s: float, *words: str) -> None:
        """Within `within_s` the job is put aside, with an error that has all of `words`, and the count of its tries."""
        report = self.servers[1].report
        poll(lambda: report(self.ids[label]).state is State.PUT_ASIDE, within_s)
        found = report(self.ids[label])
        assert_that(found.state, equal_to(State.PUT_ASIDE), f"what has become of {label}")
        must(found.error, f"nobody is told why {label} was put aside")
        for word in words:
            assert_that(found.error, contains_string(word), f"why {label} was put aside")
        assert_that(found.tries, equal_to(self.starts()[label]), f"how often {label} was begun, as is told")
        assert_that(self.done()[label], equal_to(0), f"effects of {label}, which failed")
