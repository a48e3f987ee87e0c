"""Nodes that die: once, again and again, while they burn, or all of them."""

import time
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.oncall import ALL_DOWN, DOWN
from support.errors import ProbeError
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_SEEN_WITHIN_S = 5.0
_DOWN_WITHIN_S = 6.0
_SEEN_APART_S = 1.0  # two that are killed at once: a scrape and an evaluation, every 500 ms each
_LONG_LIFE_S = 3.0  # a node that is up for so long is not one that freezes each time that it is back


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

    def freeze_again_and_again(self, for_s: float) -> None:
        """The first node freezes as soon as Prometheus has seen that it is back, until somebody is told.

        Raises ProbeError when it was not even twice, for then it was simply down, or when it was up for too long.
        """
        name, times = self._world.nodes[0].name, 0
        began = time.monotonic()
        while time.monotonic() < began + for_s and not self._world.on_call.told(DOWN, firing=True):
            self._world.faults.pause(name)
            self._world.counts.await_down(0, _SEEN_WITHIN_S)
            self._world.faults.mend(name)
            self._world.counts.await_up(0, _SEEN_WITHIN_S)
            times += 1
        if not poll(lambda: self._world.on_call.told(DOWN, firing=True), 1):
            self._expect_short_lives(time.monotonic() - began - _LONG_LIFE_S)
        self._world.on_call.await_told(DOWN, firing=True, within_s=0)
        if times < 2:
            raise ProbeError(f"the node took so long to come back that it froze {times} times only")

    def _expect_short_lives(self, last_s: float) -> None:
        """In the last `last_s` no life of the first node was long. Raises ProbeError: then it was well in between."""
        lived = f"min_over_time({self._world.nodes[0].up()}[{_LONG_LIFE_S * 1000:.0f}ms])"
        if self._world.prometheus.ask(f"max_over_time({lived}[{last_s * 1000:.0f}ms:250ms]) == 1"):
            raise ProbeError(f"the node froze so late that it had been up for {_LONG_LIFE_S:g} s")

    def expect_told_of_node(self) -> None:
        """Somebody was told once."""
        self._world.on_call.expect_once(DOWN)

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
        for one in both:
            self._world.on_call.expect_not_told(one, firing=True, for_s=for_s / len(both))
