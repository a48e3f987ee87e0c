"""Jobs in every state in which they may be, and what may be asked of each: a table says what is answered."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, is_in, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Adapter, Job, Outcome, Priority, State
from support.capabilities.background_jobs_redis_queue.times import EARLY_S
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.watches import Watch
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_FAILURES = 2  # of a job that waits for another try
_SOON_S = 1.5  # less than what was taken back is known for: what is begun all the same is so before it is forgotten
_LATER_S = 3.6  # what it waits for is done before; then there is more than a second left of the 5 s for all
_LEASE_S = 1.5  # after which a job whose worker is silent comes back
_SLACK_S = 1.0
_FOLLOWED_WITHIN_S = 0.7  # what is to come after a job is there before that is begun
_INTERVAL_S = 1.0
_LOOK_S = 0.1
_OVER = (State.CANCELLED, State.FORGOTTEN)  # that a job was taken back is known as long as results are

# What is answered: to who asks what has become of it, hands it back, comes with its key, wants to come after it.
OPEN = (State.OPEN, False, Outcome.DUPLICATE, Outcome.TAKEN)
DONE = (State.DONE, False, Outcome.TAKEN, Outcome.TAKEN)
ASIDE = (State.PUT_ASIDE, True, Outcome.DUPLICATE, Outcome.TAKEN)  # handed back, it has its key again
TAKEN_BACK = (State.CANCELLED, False, Outcome.TAKEN, Outcome.REFUSED)


class Lives:
    """Two jobs for each state that is not the last: one is taken back in the end. Each has a key, which is its label.

    Drawn are the server of each call, and the order in which the jobs come.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._said: list[tuple[str, object, object]] = []  # of whom, what was said, what should have been
        self._taken_back: dict[str, float] = {}  # when
        self._follows: dict[str, str] = {}  # who comes after whom
        self._not_before: dict[str, float] = {}  # the time of those that have one
        self._looks: list[tuple[float, float, State]] = []  # when the one that is done was asked for, and what was told

    @property
    def _server(self) -> Adapter:
        return self._draw.choice(self._world.servers)

    # The states

    def fill(self) -> None:
        """One put aside, one that is done, some that have failed; then all workers are busy, and others wait."""
        self._put_aside()
        self._fail()
        self._world.take_places()
        busy = [call.path.strip("/") for call in self._world.held.waiting() if "-busy-" in call.path]
        self._running, self._before = busy[:2], self._world.ids[busy[2]]
        self._waiting = self._wait()

    def _fail(self) -> None:
        """Two have failed. The service holds their next try, whenever that comes, for it is told so before they do."""
        self._failed = [self._world.label("failed") for _ in range(2)]
        for label in self._failed:
            self._world.service.arm("status", times=_FAILURES, match={"path": f"/{label}"}, status=503)
        self._world.hold()  # of faults that fit a call the one that was armed first is met
        for label in self._failed:
            self._hand_in(label)
        self._world.service.await_arrivals(2 * _FAILURES, 5.0, path=f"/{self._world.name}-failed-*")

    def _put_aside(self) -> None:
        """Another is to come after it, which is said before; one that is done is asked for meanwhile."""
        self._aside = self._world.label("aside")
        self._world.service.arm("status", match={"path": f"/{self._aside}"}, status=422)
        self._hand_in(self._aside, delay_s=_FOLLOWED_WITHIN_S)
        self._said.append((self._aside, self._follower(self._aside), Outcome.TAKEN))
        self._ask_one_that_is_done()
        self._world.expect_put_aside(self._aside, 3.0)

    def stop_schedule(self) -> None:
        """A job that was to be done again and again is to be done no more, before it was the first time."""
        self._stopped = self._world.fresh("stopped")
        began = time.monotonic()
        self._server.every(_INTERVAL_S, self._stopped)
        self._server.stop(self._stopped)
        self._stopped_in_time = time.monotonic() < began + _INTERVAL_S

    def _ask_one_that_is_done(self) -> None:
        """At once, for its result is not kept for long."""
        self._done = self._world.label("done")
        self._hand_in(self._done)
        self._world.expect_done(labels=[self._done])
        poll(lambda: self._state_of_done() is not State.OPEN, 2.0)
        self._known = time.time()
        self._watch = Watch(self._look, _LOOK_S)
        self._world.closing.callback(self._watch.stop)
        self._ask(self._done, DONE)
        self._refuse_to_take_back(self._done)

    def _state_of_done(self) -> State:
        return self._world.servers[0].report(self._world.ids[self._done]).state

    def _look(self) -> bool:
        """Asks for it once more; whether it is forgotten."""
        asked = time.time()
        state = self._state_of_done()
        self._looks.append((asked, time.time(), state))
        return state is State.FORGOTTEN

    def _wait(self) -> list[list[str]]:
        """Two that wait for a worker, of each urgency, two that wait for their time, and two for another job.

        What has to wait for its time is urgent: one that is taken back, and begun all the same, is so at once then.
        """
        ways: list[dict[str, Any]] = [{"priority": priority} for priority in Priority]
        ways += [{"delay_s": _SOON_S, "priority": Priority.HIGH}, {"after": self._before}]
        return [self._two(**way) for way in ways]

    def _two(self, **way: Any) -> list[str]:
        pair = [self._world.label("waits") for _ in range(2)]
        for label in pair:
            self._hand_in(label, **way)
        return pair

    def _hand_in(self, label: str, **way: Any) -> None:
        if "delay_s" in way:
            self._not_before[label] = time.time() + way["delay_s"]
        answer = self._server.enqueue(Job(label, unique=label, **way))
        must(answer.outcome is Outcome.TAKEN, f"the job {label} was not taken: {answer}")
        self._world.ids[label] = str(answer.id)

    # What is asked

    def ask_all(self) -> None:
        """Asks everything of each, in an order that is drawn; those last that may be under way: that frees workers.

        Before them those that would then be begun: a job that was taken back is forgotten after a while.
        """
        self._ask(self._aside, ASIDE)
        ready, others = self._waiting[: len(Priority)], self._waiting[len(Priority) :]
        mixed = [*self._draw.sample(others, len(others)), *self._draw.sample(ready, len(ready))]
        for pair in mixed:
            self._ask_both(pair)
        # These wait for another and for their time, which is to come later: so they are handed in as late as can be.
        for pair in [self._two(after=self._before, delay_s=_LATER_S), self._failed, self._running]:
            self._ask_both(pair)

    def _ask_both(self, pair: list[str]) -> None:
        """Of one that is open and stays so, and of another that is taken back."""
        for label in pair:
            self._ask(label, OPEN)
        self._take_back(pair[1])

    def _ask(self, label: str, expected: tuple[State, bool, Outcome, Outcome]) -> None:
        job = self._world.ids[label]
        state, back = self._server.report(job).state, self._server.requeue(job)
        said = (state, back, self._another(label), self._follower(label))
        self._said.append((label, said, expected))

    def _another(self, label: str) -> Outcome:
        """One more with its key."""
        return self._offered(Job(self._world.label("another"), unique=label))

    def _follower(self, label: str) -> Outcome:
        """One that waits for it, and another that waits for that."""
        outcome, first = self._offered_after(label)
        if outcome is Outcome.TAKEN:
            self._said.append((first, self._offered_after(first)[0], Outcome.TAKEN))
        return outcome

    def _offered_after(self, label: str) -> tuple[Outcome, str]:
        follower = self._world.label("follower")
        outcome = self._offered(Job(follower, after=self._world.ids[label]))
        if outcome is Outcome.TAKEN:
            self._follows[follower] = label
        return outcome, follower

    def _offered(self, job: Job) -> Outcome:
        """What is said to it; only one that is taken is to be done."""
        answer = self._server.enqueue(job)
        if answer.outcome is Outcome.TAKEN:
            self._world.ids[job.label] = str(answer.id)
        else:
            self._world.labels.remove(job.label)
        return answer.outcome

    def _take_back(self, label: str) -> None:
        """It is not to be done any more, nor what waits for it; asked for it then, the servers know."""
        agreed = self._server.cancel(self._world.ids[label])
        self._said.append((label, agreed, True))
        for gone in [label, *self._heirs(label)]:
            self._taken_back[gone] = time.time()
            self._world.labels.remove(gone)
        self._ask(label, TAKEN_BACK)
        self._refuse_to_take_back(label)

    def _refuse_to_take_back(self, label: str) -> None:
        self._said.append((label, self._server.cancel(self._world.ids[label]), False))

    def _heirs(self, label: str) -> list[str]:
        """Who waits for it, and who waits for those."""
        heirs = [heir for heir, before in self._follows.items() if before == label]
        return heirs + [one for heir in heirs for one in self._heirs(heir)]

    # What must hold

    def expect_answers(self) -> None:
        """Everybody was told what the state of the job says."""
        for label, said, expected in self._said:
            if isinstance(said, tuple) and said[0] is State.FORGOTTEN and expected is TAKEN_BACK:
                said = (State.CANCELLED, *said[1:])
            assert_that(said, equal_to(expected), f"what was told of {label} ({self._draw})")

    def expect_ended(self, within_s: float) -> None:
        """The one that was under way is ended by its worker, and who waited for a job taken back is taken back, too."""
        label = self._running[1]
        poll(lambda: not self._world.arrivals(label)[0].open, within_s)
        assert_that(self._world.arrivals(label)[0].cut, equal_to("caller"), f"who ended the call of {label}")
        for gone in self._taken_back:
            state = self._world.servers[0].report(self._world.ids[gone]).state
            assert_that(state, is_in(_OVER), f"what has become of {gone} ({self._draw})")

    def expect_kept(self, kept_s: float, gone_s: float) -> None:
        """The result of the one that is done was known for `kept_s`, and was forgotten after `gone_s`.

        Raises ProbeError when nobody could look for so long that both may be true.
        """
        self._watch.end()
        poll(self._look, self._known + gone_s - time.time())
        ended = self._world.arrivals(self._done)[0].ended or 0
        known = max((asked for asked, _, state in self._looks if state is State.DONE), default=0.0)
        gone = min((told for _, told, state in self._looks if state is not State.DONE), default=0.0)
        assert_that(self._looks[-1][-1], equal_to(State.FORGOTTEN), "what is known of a job that was done long ago")
        assert_that(known - self._known, less_than_or_equal_to(gone_s), "seconds after which the result was known")
        assert_that(gone - ended, greater_than_or_equal_to(kept_s), "seconds after which the result was not known")
        if known - ended < kept_s:
            raise ProbeError("the machine was too slow to see for how long a result is known")

    def expect_rest(self, within_s: float) -> None:
        """The service answers, the others are done, and nothing is begun that was taken back, also after a lease."""
        answered = time.time()
        self._world.answer()
        self._world.expect_done(within_s)
        wait_until(time.monotonic() + max(self._taken_back.values()) + _LEASE_S + _SLACK_S - time.time())
        self._world.expect_done(0)
        found = self._world.starts()
        wanted = Counter(self._world.labels) + Counter({self._aside: 1, self._failed[0]: _FAILURES})
        starts = {label: found[label] for label in wanted}
        assert_that(starts, equal_to(dict(wanted)), f"starts of each job, by the service ({self._draw})")
        self._expect_nothing_begun()
        self._expect_turns()
        if answered > max(self._not_before.values()):
            raise ProbeError("the machine was too slow: a job's time had come before what it waits for was done")

    def _expect_nothing_begun(self) -> None:
        for label, moment in self._taken_back.items():
            late = [call.arrived - moment for call in self._world.arrivals(label) if call.arrived > moment]
            assert_that(late, equal_to([]), f"seconds from when {label} was taken back to when it was begun")
        begun = len(self._world.arrivals(self._stopped))
        if begun and not self._stopped_in_time:
            raise ProbeError("the machine was too slow to stop a schedule before its first time")
        assert_that(begun, equal_to(0), "how often a job was begun whose schedule was stopped")

    def _expect_turns(self) -> None:
        """None was begun before the one that it waits for was done, nor before its time."""
        for label, moment in self._not_before.items():
            if label in self._world.labels:
                early = moment - EARLY_S - self._world.arrivals(label)[0].arrived
                must(early <= 0, f"{label} was begun {early:.3f} s before its time ({self._draw})")
        for label, before in self._follows.items():
            if label in self._world.labels:
                ended = max(call.ended or 0 for call in self._world.arrivals(before))
                early = ended - self._world.arrivals(label)[0].arrived
                must(early <= 0, f"{label} was begun {early:.3f} s before {before} was done ({self._draw})")
