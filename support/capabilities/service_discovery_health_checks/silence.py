"""An instance that stands still: how soon its silence is noticed, and what it costs after that."""

import time
from itertools import product
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Adapter, Outcome, Way
from support.nouns import Who
from support.probes.consul import CRITICAL
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

# Of the calls of one kind: who waits for the frozen instance does so each time that its turn comes, every third one.
_STUMBLES = 2


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
        """`later_s` from now all calls by each way are answered, and each is in another instance's record.

        They are so in time, but for some of each kind that may stumble over a busy machine.
        """
        world, label = self._world, self._world.fresh("call")
        world.let_pass(later_s)
        waits_s = [
            sorted(self._wait_s(gateway, way, label) for _ in range(count))
            for gateway, way in product(world.adapters(gateways), Way)
        ]
        made = count * len(Way) * len(world.adapters(gateways))
        served = sum(call.label == label for one in world.running() for call in one.calls())
        assert_that(served, equal_to(made), "calls that the others were given")
        slowest_s = max(each[-1 - _STUMBLES] for each in waits_s)
        must(slowest_s <= each_s, f"{1 + _STUMBLES} of {count} calls of a kind took {slowest_s:.2f} s or longer")

    def _wait_s(self, gateway: Adapter, way: Way, label: str) -> float:
        """Calls, and is answered by another instance after so many seconds."""
        began = time.monotonic()
        reply = gateway.call(SERVICE, label, way=way)
        must(reply.outcome is Outcome.ANSWERED and reply.by != self._name, f"by {way.name} one heard {reply}")
        return time.monotonic() - began
