"""Customers who get what they came for."""

from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import Errand
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World


class Visits:
    """Many of them."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def of_every_kind(self, count: int) -> None:
        """`count` customers of each node for each of what the shop has, and as many who glance at an order."""
        for place in range(len(self._world.nodes)):
            for errand in (Errand.ORDER, Errand.LOOK, Errand.EXPORT):
                self._world.customers.come(count, errand, place)
            self._world.customers.glance(count, place)

    def served(self, count: int) -> None:
        """`count` customers of each node look at orders."""
        for place in range(len(self._world.nodes)):
            self._world.customers.come(count, Errand.LOOK, place)

    def halves(self, count: int, time_s: float) -> None:
        """`count` customers of the first node get half of an export, and after `time_s` the warehouse breaks off."""
        label = self._world.fresh("export")
        hanging = self._world.warehouse.arm("hang", times=None, match={"path": f"*/{label}"}, part="body")
        with threads(1) as pool:
            coming = pool.submit(self._world.customers.come, count, Errand.EXPORT, 0, label)
            hanging.await_waiting(count)
            self._world.let_pass(time_s)
            hanging.cut()
            coming.result()
