"""Orders in the platform's database, each of which is confirmed by a job."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.background_jobs_redis_queue.client import Outcome
from support.errors import ProbeError
from support.polling import poll
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from concurrent.futures import Future

    from support.capabilities.background_jobs_redis_queue.world import World


class Orders:
    """The orders of one scenario; the label of one is that of the job that confirms it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._reference = world.fresh("order")

    def place(self, count: int) -> None:
        """So many orders, through the servers in turn, each of which has to be taken."""
        for number in range(count):
            self._place(number % len(self._world.servers), self._world.fresh("order"))

    def place_for(self, seconds: float) -> None:
        """One through the second server, which is confirmed; in all so many seconds pass."""
        until = time.monotonic() + seconds
        self.confirm(1)
        wait_until(until)

    def place_through(self, server: int) -> None:
        """One through that server (from 0)."""
        self._place(server, self._world.fresh("order"))

    def confirm(self, server: int, within_s: float = 2.0) -> None:
        """One through that server, which is confirmed within `within_s`."""
        self.place_through(server)
        self._world.expect_done(within_s, self._world.labels[-1:])

    def refuse_each(self) -> None:
        """From now on the service refuses every job."""
        self._world.service.arm("status", times=None, match={"path": f"/{self._world.name}-*"}, status=422)
        self._before = set(self._world.labels)

    def expect_refused_once(self, within_s: float, quiet_s: float) -> None:
        """Each of the jobs since then is begun within `within_s`, and for `quiet_s` after that no second time."""
        labels = [label for label in self._world.labels if label not in self._before]
        poll(lambda: all(self._world.arrivals(label) for label in labels), within_s)
        wait_until(time.monotonic() + quiet_s)
        starts = {label: self._world.starts()[label] for label in labels}
        assert_that(starts, equal_to(dict.fromkeys(labels, 1)), "starts of each job that is refused, by the service")
        effects = self._world.done()
        assert_that([label for label in labels if effects[label]], equal_to([]), "refused jobs that have an effect")

    def _place(self, server: int, reference: str) -> None:
        outcome = self._world.servers[server].order(reference, self._world.label("order"))
        assert_that(outcome, equal_to(Outcome.TAKEN), f"what became of the order {reference}")

    def place_confirmed(self) -> None:
        """One order, of a reference that is taken then, whose job is done: the way to the queue is open."""
        self._place(0, self._reference)
        self._world.expect_done()

    def place_unheard(self, count: int) -> None:
        """So many orders; a job of theirs is begun although no server heard that it was queued.

        Raises ProbeError when none is: then no server had a connection on which to ask for that.
        """
        before = len(self._world.arrivals())
        self.place(count)
        if not poll(lambda: len(self._world.arrivals()) > before, 6.0):
            raise ProbeError("no job reached the queue unnoticed")

    def repeat(self, count: int) -> None:
        """So many others with its reference, all of which have to be refused."""
        for number in range(count):
            outcome = self._world.servers[number % 2].order(self._reference, f"{self._world.name}-refused-{number}")
            assert_that(outcome, equal_to(Outcome.DUPLICATE), "what became of an order whose reference was taken")

    def begin_slowly(self) -> None:
        """An order is under way in the database, and not committed. ProbeError when that moment was not seen."""
        from support.worlds.crowds import threads

        pool = self._world.closing.enter_context(threads(1))
        self._label = self._world.label("slow")
        self._slow: Future[Outcome] = pool.submit(self._world.servers[0].order, self._world.fresh("order"), self._label)
        if not poll(self._world.effects.uncommitted, 5.0, 0.02):
            raise ProbeError("no order was seen under way in the database")

    def overtake(self) -> None:
        """An order through the other server is confirmed while that one is not committed yet."""
        self.confirm(1, 5.0)
        if self._slow.done():
            raise ProbeError("the first order was committed before the other was confirmed")
        assert_that(self._slow.result(10), equal_to(Outcome.TAKEN), "what became of the first order")
