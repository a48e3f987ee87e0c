"""Nodes that die: once, again and again, while they burn, or all of them."""

import time
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import Alarm
from support.capabilities.metrics_pipeline_prometheus.oncall import Trouble
from support.errors import ProbeError

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_SEEN_UP_WITHIN_S = 5.0
_DOWN_WITHIN_S = 6.0

DOWN = Trouble(Alarm.NODE_DOWN)
ALL_DOWN = Trouble(Alarm.SHOP_DOWN)


class Outages:
    """What becomes of the nodes, and what is told of it."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def restart_amid(self, more: int) -> None:
        """The first node is killed, is back, and `more` customers come to each node; those who waited got nothing."""
        name = self._world.nodes[0].name
        self._world.counts.await_scrapes(self._world.customers.last + 0.1)
        self._world.faults.kill(name)
        self._world.faults.mend(name)
        self._world.workers.answer()
        self._world.visits.served(more)

    def die_again_and_again(self, for_s: float) -> None:
        """The first node is killed as soon as Prometheus has seen that it is back, until somebody is told.

        Raises ProbeError when it was not even twice, for then it was simply down.
        """
        name, deaths = self._world.nodes[0].name, 0
        end = time.monotonic() + for_s
        while time.monotonic() < end and not self._world.on_call.told(DOWN, firing=True):
            self._world.faults.kill(name)
            self._world.faults.mend(name)
            self._world.counts.await_up(0, _SEEN_UP_WITHIN_S)
            deaths += 1
        self._world.on_call.await_told(DOWN, firing=True, within_s=1)
        if deaths < 2:
            raise ProbeError(f"the node took so long to come back that it died {deaths} times only")

    def expect_told_of_node(self) -> None:
        """Somebody was told once."""
        self._world.on_call.expect_once(DOWN)

    def expect_told_of_shop(self, within_s: float) -> None:
        """Within `within_s` somebody is told once."""
        self._world.on_call.await_told(ALL_DOWN, firing=True, within_s=within_s)
        self._world.on_call.expect_once(ALL_DOWN)

    def expect_not_told_of_nodes(self, for_s: float) -> None:
        """For `for_s` after Prometheus has said of both nodes that they are down nobody is told that."""
        both = [DOWN._replace(place=place) for place in range(len(self._world.nodes))]
        for one in both:
            self._world.on_call.await_active(one, firing=True, within_s=_DOWN_WITHIN_S)
        for one in both:
            self._world.on_call.expect_not_told(one, firing=True, for_s=for_s / len(both))
