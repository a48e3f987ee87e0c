"""An instance that stands still: how soon its silence is noticed, and what it costs after that."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome
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
        """`later_s` from now all calls are answered in time, and each is in the record of another instance."""
        world = self._world
        world.let_pass(later_s)
        before, longest = world.served().total(), 0.0
        for gateway in world.adapters(gateways):
            for _ in range(count):
                began = time.monotonic()
                reply = gateway.call(SERVICE, world.label)
                longest = max(longest, time.monotonic() - began)
                must(reply.outcome is Outcome.ANSWERED and reply.by != self._name, f"a caller heard {reply}")
        made = count * len(world.adapters(gateways))
        assert_that(world.served().total() - before, equal_to(made), "calls that the others were given")
        must(longest <= each_s, f"a call took {longest:.2f} s")
