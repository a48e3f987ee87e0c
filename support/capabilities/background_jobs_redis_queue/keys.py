"""Jobs with the same key, of which one is taken until it is done."""

import random
import unicodedata
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.background_jobs_redis_queue.client import Answer, Job, Kind, Outcome, Priority
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World


_LATER_S = 60.0


def _alike(key: str) -> list[str]:
    """Other keys that look like `key`, which has letters of both cases, an accent and a number at its end."""
    text, _, number = key.rpartition("-")
    decomposed, without = unicodedata.normalize("NFD", key), key.replace("\u00e9", "e")
    others = [key.upper(), key.lower(), decomposed, without, f" {key}", f"{key} ", f"{key}\n", f"{text}-0{number}"]
    others += [f"{key}0", key[:-1], key[1:], f"{key}:{key}", f"call:{key}", f"{key}*", key.replace("-", "_")]
    return [*others, f"{key}{'x' * 300}", f"{key}{'x' * 299}y"]


class Keys:
    """One key, and who came with it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._key = f"{world.fresh('Key')}-caf\u00e9-{random.randrange(10, 10**6)}"
        self._answers: list[Answer] = []

    def hand_in_at_once(self, count: int) -> None:
        """So many jobs with the key at the same time, through the servers in turn."""
        servers = self._world.servers
        jobs = [Job(f"{self._world.name}-same-{number}", unique=self._key) for number in range(count)]
        with threads(count) as pool:
            said = [pool.submit(servers[place % len(servers)].enqueue, job) for place, job in enumerate(jobs)]
        self._answers = [answer.result() for answer in said]
        taken = (job.label for job, answer in zip(jobs, self._answers, strict=True) if answer.outcome is Outcome.TAKEN)
        self._world.labels += taken

    def expect_taken(self, taken: int, told: int) -> None:
        """So many were taken, and the others were told that there is one already; those were begun, and no others."""
        counted = Counter(answer.outcome for answer in self._answers)
        assert_that(counted, equal_to({Outcome.TAKEN: taken, Outcome.DUPLICATE: told}), "what the jobs were told")
        self._world.service.await_arrivals(taken, 3.0, path=f"/{self._world.name}-*")
        self._world.expect_begun_once()

    def expect_told_whatever(self) -> None:
        """Jobs of every kind, urgency and time with the key are told so, through both servers."""
        jobs = [Job("", kind=kind) for kind in Kind] + [Job("", priority=priority) for priority in Priority]
        for job in [*jobs, Job("", delay_s=_LATER_S), Job("", timeout_s=1.0)]:
            for server in self._world.servers:
                said = server.enqueue(replace(job, label=f"{self._world.name}-more", unique=self._key)).outcome
                assert_that(said, equal_to(Outcome.DUPLICATE), f"what {job} was told, whose key another had")

    def expect_alike_taken(self) -> None:
        """Keys that only look like it are others: a job with each is taken, a second one is told; it is taken back."""
        for key in _alike(self._key):
            job = Job(f"{self._world.name}-alike", unique=key, delay_s=_LATER_S)
            first, second = self._world.offer(job), self._world.offer(job)
            said = (first.outcome, second.outcome)
            assert_that(said, equal_to((Outcome.TAKEN, Outcome.DUPLICATE)), f"what two were told with {key!r}")
            must(self._world.servers[0].cancel(str(first.id)), f"a job with the key {key!r} was not to be taken back")

    def expect_taken_key(self, key: str) -> None:
        """Another job with the key is told that there is one."""
        assert_that(self._offer(key).outcome, equal_to(Outcome.DUPLICATE), f"what another with the key {key} was told")

    def expect_told_while_tried_again(self) -> None:
        """The call of the one that was taken breaks off; until it is begun again, nobody else with the key is taken."""
        self._mark, self._answers = self._world.service.mark(), []
        self._world.held.cut()
        again = poll(self._is_begun_again, 4.0)
        counted = Counter(answer.outcome for answer in self._answers)
        assert_that(set(counted), equal_to({Outcome.DUPLICATE}), "what others were told until it was begun again")
        must(again, "a job whose call broke off was not begun again in 4 s")

    def _is_begun_again(self) -> bool:
        again = self._world.service.arrivals(since=self._mark, path=f"/{self._world.name}-*")
        self._answers.append(self._offer(self._key))  # once more when it has been: that is at its second try
        return bool(again)

    def _offer(self, key: str) -> Answer:
        return self._world.offer(Job(f"{self._world.name}-more", unique=key))

    def expect_free(self, within_s: float) -> None:
        """Within `within_s` another job with the key is taken; it is done, and so is the one before."""
        self._take(self._key, within_s)
        self._world.expect_done()

    def expect_all_free(self, keys: list[str], within_s: float) -> None:
        """The same for each of `keys`."""
        for key in keys:
            self._take(key, within_s)
        self._world.expect_done()

    def _take(self, key: str, within_s: float) -> None:
        another = Job(self._world.label("next"), unique=key)
        taken = poll(lambda: self._world.offer(another).outcome is Outcome.TAKEN, within_s)
        assert_that(taken, equal_to(True), f"whether another job with the key {key} was taken within {within_s:g} s")

    # Put aside, and handed back

    def refuse_one(self) -> None:
        """A job with the key is put aside, because the service refuses it."""
        self._first = self._world.label("first")
        self._world.service.arm("status", match={"path": f"/{self._first}"}, status=422)
        self._world.hand_in(Job(self._first, unique=self._key))
        self._world.expect_put_aside(self._first, 3.0)

    def hold_another(self) -> None:
        """Another with the key is under way, and the service lets it wait."""
        self._second = self._world.label("second")
        self._world.hold_one(Job(self._second, unique=self._key))

    def hand_back(self) -> None:
        """Somebody hands the first back."""
        self._agreed = self._hand_back()

    def _hand_back(self) -> bool:
        return self._world.servers[0].requeue(self._world.ids[self._first])

    def expect_agreed_later(self) -> None:
        """That was not agreed to; when the other is done it is. The service lets it wait."""
        must(not self._agreed, "a job was handed back while another had its key")
        self._world.answer()
        self._world.expect_done(labels=[self._second])
        self._world.hold()
        must(poll(self._hand_back, 1.0), "a job whose key was free was not to be handed back")

    def expect_not_free(self) -> None:
        """No other with the key is taken; the service answers after that."""
        assert_that(self._offer(self._key).outcome, equal_to(Outcome.DUPLICATE), "what another with the key was told")
        self._world.answer()
