"""The processes of a node: one dies, what it counted is not lost, and what it did does not stay for ever."""

import time
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import Errand
from support.errors import ProbeError
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_CHILDREN = r"grep -l '^PPid:[[:space:]]1$' /proc/[0-9]*/status"  # processes that the container's first one has started
_GONE_WITHIN_S = 1.0
_GIVEN_UP_AFTER_S = 7.5  # the longest that the shop allows is 8 s
_ALL_GONE_S = 0.1  # between the first connection of a killed process that breaks, and its last


class Workers:
    """Those of the first node, and customers who wait there."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._label = world.fresh("order")
        self._waiting = 0

    def hold(self, count: int) -> None:
        """`count` customers look at orders, and the warehouse lets them wait."""
        self._held = self._world.warehouse.arm("hold_before", times=None, match={"path": f"*/{self._label}"})
        self._began = time.monotonic()
        self._world.customers.wait_at(self._held, count, Errand.LOOK, 0, self._label)
        self._waiting = count

    def kill_two(self, more: int) -> None:
        """Kills two workers, one after the other, by each of which somebody was being served who waits.

        Each time when `more` customers have just been served. Raises ProbeError when all had been served by one worker.
        """
        service = self._world.fleet.nodes[0]
        workers = [path.split("/")[2] for path in service.exec(["sh", "-c", _CHILDREN]).output.decode().split()]
        self._kill_busy(workers, more)
        if not self._waiting:
            self.expect_patience()
            raise ProbeError("all customers who waited were served by one worker")
        self._kill_busy(workers, more)

    def _kill_busy(self, workers: list[str], more: int) -> None:
        """Kills one of `workers` after the other until the warehouse sees that somebody does not wait any more."""
        before = self._waiting
        while workers and self._waiting == before:
            self._world.customers.come(more, Errand.LOOK, 0)
            self.await_rest_ended()
            self._world.fleet.nodes[0].exec(["sh", "-c", f"kill -9 {workers.pop()}"])
            if poll(lambda: len(self._held.waiting()) < before, _GONE_WITHIN_S):
                self._world.let_pass(_ALL_GONE_S)
            self._waiting = len(self._held.waiting())
        if self._waiting == before:
            raise ProbeError(f"{before} customers still wait after all workers were killed")

    def await_rest_ended(self) -> None:
        """Returns when only those who wait are under way at the node, or it does not tell so in time."""
        self._world.counts.await_rest_ended(0, self._waiting)

    def expect_under_way(self, within_s: float) -> None:
        """So many are under way, by Prometheus, as the warehouse lets wait."""
        self._waiting = len(self._held.waiting())  # a connection of the killed one may have broken later
        self._world.counts.expect_under_way(0, self._waiting, within_s)

    def answer(self, more: int) -> None:
        """Those who still wait are answered, and `more` customers come to each node. Raises ProbeError."""
        self.expect_patience()
        self.hear(more)

    def expect_patience(self) -> None:
        """They have not waited for so long that the shop may have given the warehouse up. Raises ProbeError."""
        if (waited := time.monotonic() - self._began) > _GIVEN_UP_AFTER_S:
            raise ProbeError(f"they have waited for {waited:.1f} s")

    def hear(self, more: int) -> None:
        """The warehouse holds nobody any more: they hear what comes of it, and `more` customers come to each node."""
        self._held.heal()
        self._world.customers.hear(Errand.LOOK, 0, within_s=5)
        self._world.visits.served(more)
