"""An instance that stands still: how soon its silence is noticed, and what it costs after that."""

import time
from itertools import product
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome, Way
from support.nouns import Who
from support.probes.consul import CRITICAL
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World


class Silence:
    """The instance that a sentence has frozen."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._name = ""

    def expect_out(self, who: Who, within_s: float) -> None:
        """Consul says within `within_s` from now, which is just after it froze, that it is critical."""
        (node,) = self._world.fleet.nodes_called(who)
        self._name = node.name
        self._world.expect_status(node, CRITICAL, within_s)

    def expect_costs_nobody(self, later_s: float, count: int, gateways: Who, each_s: float) -> None:
        """`later_s` from now all calls by each way are answered in time, and each is in another instance's record."""
        world, label = self._world, self._world.fresh("call")
        world.let_pass(later_s)
        longest = 0.0
        for gateway, way in product(world.adapters(gateways), Way):
            for _ in range(count):
                began = time.monotonic()
                reply = gateway.call(SERVICE, label, way=way)
                longest = max(longest, time.monotonic() - began)
                must(reply.outcome is Outcome.ANSWERED and reply.by != self._name, f"by {way.name} one heard {reply}")
        made = count * len(Way) * len(world.adapters(gateways))
        served = sum(call.label == label for one in world.running() for call in one.calls())
        assert_that(served, equal_to(made), "calls that the others were given")
        must(longest <= each_s, f"a call took {longest:.2f} s")
