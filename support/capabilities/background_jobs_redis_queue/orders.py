"""Orders in the platform's database, each of which is confirmed by a job."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.background_jobs_redis_queue.client import Outcome
from support.errors import ProbeError
from support.polling import poll
from support.worlds.world import wait_until

# Longer than what a server asks is late: by 600 ms, in which it has to freeze once an order is seen under way, even on
# a machine that stands still for half a second.
_UNDER_WAY_S = 0.7

if TYPE_CHECKING:
    from concurrent.futures import Future

    from support.capabilities.background_jobs_redis_queue.world import World


class Orders:
    """The orders of one scenario; the label of one is that of the job that confirms it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._reference = world.fresh("order")
        self._placed: list[str] = []  # the labels of those that were to be taken

    def place(self, count: int) -> None:
        """So many orders, through the servers in turn, each of which has to be taken."""
        for number in range(count):
            self._place(number % len(self._world.servers), self._world.fresh("order"))

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
        self.expect_begun_once(within_s, quiet_s)
        effects = self._world.done()
        refused = [label for label in self._world.labels if label not in self._before]
        assert_that([label for label in refused if effects[label]], equal_to([]), "refused jobs that have an effect")

    def expect_begun_once(self, within_s: float, quiet_s: float) -> None:
        """Each job is begun within `within_s`, and for `quiet_s` after that none a second time."""
        poll(lambda: all(self._world.arrivals(label) for label in self._world.labels), within_s)
        wait_until(time.monotonic() + quiet_s)
        self._world.expect_begun_once()

    def expect_confirmed(self, within_s: float) -> None:
        """Each order is confirmed exactly once within `within_s`, and its job was begun once."""
        self._world.expect_done(within_s, self._placed)
        starts = {label: self._world.starts()[label] for label in self._placed}
        assert_that(starts, equal_to(dict.fromkeys(self._placed, 1)), "starts of the job of each order")

    def first_begun(self) -> float:
        """When the first job of an order was begun (seconds since the epoch): by then there was a queue."""
        return min(call.arrived for label in self._placed for call in self._world.arrivals(label))

    def _place(self, server: int, reference: str) -> None:
        self._placed.append(self._world.label("order"))
        outcome = self._world.servers[server].order(reference, self._placed[-1])
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
        """An order through the other server is confirmed while that one is not committed yet, its server being frozen.

        What that one had asked of the database before it froze has been done by then. ProbeError when it froze late.
        """
        wait_until(time.monotonic() + _UNDER_WAY_S)
        self.confirm(1, 5.0)
        if self._slow.done() or not self._world.effects.uncommitted():
            raise ProbeError("the first order was committed before its server froze")

    def expect_slow_taken(self) -> None:
        """The first order was taken after all."""
        assert_that(self._slow.result(10), equal_to(Outcome.TAKEN), "what became of the first order")
