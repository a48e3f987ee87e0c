"""What somebody hands in by mistake: it is refused, and leaves no trace."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.background_jobs_redis_queue.client import Mistake, Outcome
from support.probes.redis import RedisProbe
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

MISTAKES = {
    "a job of more than 64 KiB": Mistake.TOO_LARGE,
    "a job of a kind that there is not": Mistake.UNKNOWN_KIND,
    "a pickle that calls the service": Mistake.HOSTILE_PICKLE,
    "a job for 30 February": Mistake.NO_SUCH_DATE,
    "a job that is to be done 1 s ago": Mistake.NEGATIVE_DELAY,
    "a job for a moment that is over": Mistake.PAST_MOMENT,
    "a job that may take -1 s": Mistake.NEGATIVE_LIMIT,
    "a job after one that there is not": Mistake.AFTER_NOTHING,
    "a job without its label": Mistake.NO_LABEL,
    "a job of an urgency that there is not": Mistake.UNKNOWN_PRIORITY,
    "a job that is to be done in 1e400 s": Mistake.ENDLESS_DELAY,
    "a job that is to be done every 0 s": Mistake.EVERY_NOTHING,
    "a job that is to be done every 0.1 ms": Mistake.EVERY_INSTANT,
    "a job that is to be done every 1e400 s": Mistake.EVERY_ETERNITY,
}


class Mistakes:
    """Mistakes, and what came of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(RedisProbe(world.fleet.stores["redis-durable"]))

    def hand_in(self, mistakes: list[str]) -> None:
        """Hands in each of these at both servers."""
        self._mark, self._keys = self._world.service.mark(), self._redis.keys()
        self._said = {what: self._told(what, f"{self._world.name}-bad") for what in mistakes}

    def _told(self, what: str, label: str) -> list[Outcome]:
        return [server.offer(MISTAKES[what], label).outcome for server in self._world.servers]

    def expect_refused(self, quiet_s: float) -> None:
        """Each was refused; `quiet_s` later nobody has called the service, and Redis keeps nothing of them."""
        refused = [Outcome.REFUSED] * len(self._world.servers)
        assert_that(self._said, equal_to(dict.fromkeys(self._said, refused)), "what the servers said to each")
        wait_until(time.monotonic() + quiet_s)
        assert_that(self._world.service.arrivals(since=self._mark), empty(), "calls of the service")
        # What is left of earlier jobs may go meanwhile.
        assert_that(sorted(set(self._redis.keys()) - set(self._keys)), empty(), "what Redis keeps of them")
