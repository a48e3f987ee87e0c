"""The processes of a node: one dies, what it counted is not lost, and what it did does not stay for ever."""

from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import Errand
from support.errors import ProbeError
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_CHILDREN = r"grep -l '^PPid:[[:space:]]1$' /proc/[0-9]*/status"  # processes that the container's first one has started
_GONE_WITHIN_S = 1.0


class Workers:
    """Those of the first node, and customers who wait there."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._label = world.fresh("order")
        self._waiting = 0

    def hold(self, count: int) -> None:
        """`count` customers look at orders, and the warehouse lets them wait."""
        self._held = self._world.warehouse.arm("hold_before", times=None, match={"path": f"*/{self._label}"})
        self._world.customers.wait_at(self._held, count, Errand.LOOK, 0, self._label)
        self._waiting = count

    def kill_one(self) -> None:
        """Kills workers, one after the other, until the warehouse sees that somebody does not wait any more.

        Raises ProbeError when nobody was served by any of them, or everybody by those that were killed.
        """
        service = self._world.fleet.nodes[0]
        for path in service.exec(["sh", "-c", _CHILDREN]).output.decode().split():
            service.exec(["sh", "-c", f"kill -9 {path.split('/')[2]}"])
            if poll(lambda: len(self._held.waiting()) < self._waiting, _GONE_WITHIN_S):
                break
        left = len(self._held.waiting())
        if not 0 < left < self._waiting:
            raise ProbeError(f"{left} of {self._waiting} customers still wait after workers were killed")
        self._waiting = left

    def expect_under_way(self, within_s: float) -> None:
        """So many are under way, by Prometheus, as the warehouse lets wait."""
        self._world.counts.expect_under_way(0, self._waiting, within_s)

    def answer(self) -> None:
        """Those who still wait are answered."""
        self._held.heal()
        self._world.customers.hear(Errand.LOOK, 0, within_s=5)
