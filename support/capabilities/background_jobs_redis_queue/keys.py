"""Jobs with the same key, of which one is taken until it is done."""

from collections import Counter
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.background_jobs_redis_queue.client import Answer, Job, Outcome
from support.polling import poll
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World


class Keys:
    """One key, and who came with it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._key = world.fresh("key")
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

    def hold_one(self) -> None:
        """A job with the key is under way, and the service lets it wait."""
        self._world.hold_one(Job(self._world.label("holder"), unique=self._key))

    def expect_free(self, within_s: float) -> None:
        """Within `within_s` another job with the key is taken; it is done, and so is the one before."""
        another = Job(self._world.label("next"), unique=self._key)
        taken = poll(lambda: self._world.offer(another).outcome is Outcome.TAKEN, within_s)
        assert_that(taken, equal_to(True), f"whether another job with the key was taken within {within_s:g} s")
        self._world.expect_done()
