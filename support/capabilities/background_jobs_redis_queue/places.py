"""The places of both workers: how many jobs are under way at once, and how soon they are taken."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.clients.provider_control import Arrival
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

SLOTS = 6  # jobs that both workers together do at a time


class Places:
    """Jobs that the service lets wait, so that each place keeps the one that it has taken."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def rest(self, idle_s: float) -> None:
        """All places have had a job, and another at once; then nobody has anything to do for `idle_s`.

        How soon the others were begun is what workers are measured by that were idle.
        """
        self.fill(SLOTS)
        self._world.answer()
        self.fill(SLOTS)
        self._prompt_s = self._took_s
        self._world.answer()
        freed = time.monotonic()
        self._world.expect_done()
        wait_until(freed + idle_s)

    def fill(self, count: int) -> None:
        """Hands in so many jobs or more than there are places for; each place has begun one, within 5 s."""
        mark, self._labels = self._world.service.mark(), self._world.many(count)
        self._world.hold()
        self._world.hand_in_many(self._labels[:SLOTS])
        handed_in = time.time()
        self._world.hand_in_many(self._labels[SLOTS:])
        self._world.service.await_arrivals(SLOTS, 5.0, since=mark, path=f"/{self._world.name}-*")
        self._mark = mark
        assert_that(len(self._begun()), equal_to(SLOTS), "jobs that were begun at once")
        self._took_s = max(0.0, self._begun()[-1].arrived - handed_in)

    def _begun(self) -> list[Arrival]:
        return self._world.service.arrivals(since=self._mark, path=f"/{self._world.name}-*")

    def expect_each(self, count: int, late_s: float, quiet_s: float) -> None:
        """Each worker has begun so many, and `quiet_s` later no more; the last at most `late_s` later than before."""
        took_s = self._took_s - self._prompt_s
        assert_that(took_s, less_than_or_equal_to(late_s), "seconds that idle workers needed more than busy ones")
        wait_until(time.monotonic() + quiet_s)
        workers = self._world.nodes[len(self._world.servers) :]
        begun = Counter(call.via for call in self._begun())
        assert_that(begun, equal_to({worker.name: count for worker in workers}), "jobs that each worker does at once")
