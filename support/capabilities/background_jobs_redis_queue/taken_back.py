"""Jobs that are taken back, whatever they wait for, or while they are done."""

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, is_in

from support.capabilities.background_jobs_redis_queue.client import Job, Priority, State
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_SOON_S = 0.3  # in which a job that stands right behind one that is done would be begun


class TakenBack:
    """Jobs in each state in which they may be taken back. The first two jobs of the scenario are under way."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._taken_back: list[str] = []

    def wait_in_each_way(self) -> None:
        """Two jobs each that wait for a place, urgent ones and others, for a time, and for the first job.

        And one that waits for the second job.
        """
        first, self._running = self._world.labels[:2]
        ids = self._world.ids
        ways = [
            Job("urgent", priority=Priority.HIGH),
            Job("low", priority=Priority.LOW),
            Job("later", delay_s=0.5),
            Job("after", after=ids[first]),
        ]
        for way in [*ways, *ways]:
            self._world.hand_in(replace(way, label=self._world.label(way.label)))
        self._seconds = self._world.labels[-len(ways) :]
        self._heir = self._world.label("heir")
        self._world.hand_in(Job(self._heir, after=ids[self._running]))

    def take_back_each(self) -> None:
        """The second of each, and the second job, which is under way."""
        for label in [*self._seconds, self._running]:
            self.take_back(label)

    def take_back(self, label: str) -> None:
        """A job that is not done is taken back, and nobody asks for it any more."""
        must(self._world.servers[1].cancel(self._world.ids[label]), f"{label} was not to be taken back")
        self._world.labels.remove(label)
        self._taken_back.append(label)

    def expect_ended(self, within_s: float) -> None:
        """The call of the one that was under way is ended by its worker, and what waits for it is taken back, too."""
        poll(lambda: not self._world.arrivals(self._running)[0].open, within_s)
        call = self._world.arrivals(self._running)[0]
        assert_that(call.cut, equal_to("caller"), f"who ended the call of {self._running} within {within_s:g} s")
        self._world.labels.remove(self._heir)
        for label in [*self._taken_back, self._heir]:
            state = self._world.servers[0].report(self._world.ids[label]).state
            # That it was taken back is known as long as results are.
            assert_that(state, is_in([State.CANCELLED, State.FORGOTTEN]), f"what has become of {label}")

    def expect_rest(self, within_s: float) -> None:
        """The service answers, the others are done, and nothing is begun that was taken back."""
        self._world.answer()
        self._world.expect_done(within_s)
        wait_until(time.monotonic() + _SOON_S)
        wanted = Counter([*self._world.labels, self._running])
        assert_that(dict(self._world.starts()), equal_to(dict(wanted)), "starts of each job, by the service")
        self._world.expect_done(0)
