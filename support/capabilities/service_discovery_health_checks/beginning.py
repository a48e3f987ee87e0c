"""A new instance: from when on it gets calls."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.service_discovery_health_checks.client import Adapter, Health
from support.nouns import Who
from support.polling import poll
from support.probes.consul import PASSING
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_STARTS_WITHIN_S = 30.0
_SEEN_WITHIN_S = 1.0
_HEARD_WITHIN_S = 0.3  # who calls may go by the life before until then; what is loading does so for a second


class Beginning:
    """An instance that a sentence has started, its own record and Consul's word."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def expect_first_call(self, who: Who, within_s: float) -> None:
        """By each way its first call comes after the first check that it passed, and so soon after its being listed."""
        world, record = self._world, self._world.record
        (node,), (instance,) = world.fleet.nodes_called(who), world.adapters(who)
        must(poll(lambda: node.answers(*node.address()), _STARTS_WITHIN_S), node.plight())
        world.expect_status(node, PASSING, _STARTS_WITHIN_S)
        traffic = world.traffic.labels.values()
        address = node.inner_address()
        called = poll(lambda: self._first(instance, address).keys() >= set(traffic), within_s)
        must(called, f"{instance.name} is not called")
        poll(lambda: record.changes(address)[-1][1] == PASSING, _SEEN_WITHIN_S)
        record.end()
        good = [check.at for check in instance.checks() if check.health is Health.WELL]
        must(good, f"{instance.name} was called, and had passed no check")
        listed = [at for at, status in record.changes(address) if status == PASSING][-1]
        first = self._first(instance, address).values()
        assert_that(min(first), greater_than_or_equal_to(min(good)), "its first call, and its first good check")
        assert_that(max(first) - listed, less_than_or_equal_to(within_s), "seconds from its being listed to its calls")

    def _first(self, instance: Adapter, address: str) -> dict[str, float]:
        """For each label when the instance was first called by it, once its former life was known to be out."""
        out = [at for at, status in self._world.record.changes(address) if status != PASSING]
        since = max(out, default=0.0) + _HEARD_WITHIN_S
        calls = [call for call in instance.calls() if call.at > since]
        return {call.label: call.at for call in sorted(calls, key=lambda call: -call.at)}
