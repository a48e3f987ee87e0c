"""Nodes that die: one that restarts, or all of them."""

import time
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.oncall import ALL_DOWN, DOWN
from support.errors import ProbeError
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_DOWN_WITHIN_S = 6.0
_SEEN_APART_S = 1.0  # two that are killed at once: a scrape every 500 ms, and an evaluation


class Outages:
    """What becomes of the nodes, and what is told of it."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def restart_amid(self, more: int) -> None:
        """The first node is killed, is back, and `more` customers come to each node; those who waited got nothing."""
        name = self._world.nodes[0].name
        self._world.workers.await_rest_ended()
        self._world.counts.await_scrapes(time.time())
        self._world.workers.expect_patience()
        self._world.faults.kill(name)
        self._world.faults.mend(name)
        self._world.workers.hear(more)

    def expect_told_of_shop(self, within_s: float) -> None:
        """Within `within_s` somebody is told once."""
        self._world.on_call.await_told(ALL_DOWN, firing=True, within_s=within_s)
        self._world.on_call.expect_once(ALL_DOWN)

    def expect_not_told_of_nodes(self, for_s: float) -> None:
        """For `for_s` after Prometheus has said of both nodes that they are down nobody is told that.

        Raises ProbeError when it could not see one of them before they were killed: that one was rightly told of.
        """
        shop = self._world.on_call.await_active(ALL_DOWN, firing=True, within_s=_DOWN_WITHIN_S)
        both = [DOWN._replace(place=place) for place in range(len(self._world.nodes))]
        for one in both:
            found = self._world.on_call.await_active(one, firing=True, within_s=_DOWN_WITHIN_S)
            if found.since < shop.since - _SEEN_APART_S:
                raise ProbeError(
                    f"{found.labels} could not be scraped {shop.since - found.since:.1f} s before all died"
                )
        poll(lambda: any(self._world.on_call.told(one, firing=True) for one in both), for_s)
        for one in both:
            self._world.on_call.expect_not_told(one, firing=True, for_s=0)
