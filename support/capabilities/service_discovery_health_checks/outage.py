"""Consul away, empty, or out of reach: what gateways and instances do meanwhile, and what they make of its return."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.capabilities.service_discovery_health_checks.calls import kinds
from support.capabilities.service_discovery_health_checks.client import SERVICE, Health, Outcome
from support.capabilities.service_discovery_health_checks.ending import expect_ended
from support.errors import ProbeError
from support.nouns import What, Who
from support.polling import poll
from support.probes import node as kernel
from support.probes.consul import CRITICAL, PASSING
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_NOTICED_AFTER_S = 1.0
_CALLS = 4  # of each kind, so that every instance's turn comes, whoever is left out
_ENDS_WITHIN_S = 10.0
_CONSUL = What("Consul")


class Outage:
    """What was so before, to be compared with what is after it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._index = self._tried = 0
        self._tried_for_s = 0.0

    # Consul does not answer

    def make_changes(self, count: int) -> None:
        """Consul counts `count` changes of the service: an instance that fails comes and goes."""
        name, consul = self._world.fresh("elsewhere"), self._world.consul
        for _ in range(count // 2):
            consul.register(SERVICE, name, "127.0.0.1", 1, CRITICAL)
            consul.deregister(name)
        self._index = consul.index(SERVICE)

    def remember_list(self) -> None:
        """Keeps since when each instance has stood in the list."""
        self._since = self._stands_since()

    def _stands_since(self) -> dict[str, int]:
        return {one.address: one.since for one in self._world.consul.registered(SERVICE)}

    def expect_out_of_reach(self) -> None:
        """Who calls a service that no gateway knows hears that nobody can be reached now: there may be one."""
        asked = kinds(self._world.gateways, services=[self._world.fresh("unheard")])
        self._world.calls.expect_refused(asked, Outcome.UNAVAILABLE)

    def end_with_losses(self, within_s: float) -> None:
        """Consul starts again, and all instances are passing in time. ProbeError when it counts on as before."""
        self._world.faults.on_store(_CONSUL, self._world.faults.mend)
        self.expect_listed_again(within_s)
        if self._world.consul.index(SERVICE) >= self._index:
            raise ProbeError("Consul was to count from a lower number, and does not")

    def end_without_losses(self, within_s: float) -> None:
        """Consul goes on, and in time all instances are passing, none of which has been out of the list meanwhile."""
        self._world.faults.on_store(_CONSUL, self._world.faults.mend)
        self.expect_listed_again(within_s)
        assert_that(self._stands_since(), equal_to(self._since), "by which change each instance was put in the list")

    def expect_listed_again(self, within_s: float) -> None:
        """All instances are passing in time."""
        for node in self._world.fleet.nodes_called(Who("instance")):
            self._world.expect_status(node, PASSING, within_s)

    def expect_heeded(self, who: Who, within_s: float) -> None:
        """An instance fails: from `within_s` after Consul says so it gets no calls, and the others share all."""
        world = self._world
        world.answer_checks(who, Health.FAILING)
        world.let_pass(within_s)
        world.expect_shared(_CALLS, Who("gateway"), world.adapters(who))

    # Instances do not reach Consul, which has lost everything

    def expect_none_failed_while_nobody_is_named(self, seconds: float) -> None:
        """Consul names no instance for so long, and every call is answered. ProbeError when it does name one."""
        self._world.record.looks.clear()
        self._world.traffic.go_on(seconds)
        self._world.traffic.expect_none_failed()
        self._world.record.end()
        if any(look.named for look in self._world.record.looks):
            raise ProbeError("Consul was to name no instance, and named some")

    def expect_replaced(self, who: Who, within_s: float) -> None:
        """The instance ends when it is asked to, and serves within `within_s` of being started again."""
        faults = self._world.faults
        for node in self._world.fleet.nodes_called(who):
            faults.terminate(node.name)
            expect_ended(node, _ENDS_WITHIN_S)
            faults.launch(node.name)
            must(poll(lambda node=node: node.answers(*node.address()), within_s), node.plight())  # type: ignore[misc]
            faults.mend(node.name)

    def end_of_cuts(self, within_s: float) -> None:
        """All instances reach Consul again, and are passing in time."""
        self._world.faults.on_links(Who("instance"), _CONSUL, self._world.faults.join)
        self.expect_listed_again(within_s)

    # A gateway does not reach Consul

    def fail_meanwhile(self, who: Who, gateway: Who) -> None:
        """The instance fails, and Consul says so; counts how often the gateway tries to connect meanwhile."""
        (adapter,) = self._world.adapters(gateway)
        (node,) = (node for node in self._world.fleet.nodes if node.name == adapter.name)
        began, before = time.monotonic(), kernel.connections_tried(node)
        self._world.answer_checks(who, Health.FAILING)
        self._world.let_pass(_NOTICED_AFTER_S)
        self._tried, self._tried_for_s = kernel.connections_tried(node) - before, time.monotonic() - began

    def expect_tried_at_most(self, count: int) -> None:
        """The gateway tried to connect so often in each second, by the kernel's count."""
        told = f"connections that were tried in {self._tried_for_s:.1f} s"
        assert_that(self._tried, less_than_or_equal_to(count * self._tried_for_s), told)

    def expect_left_out(self, who: Who, gateway: Who, within_s: float) -> None:
        """Within `within_s` the gateway calls the others alone, by the instance's own record, and they share evenly."""
        (adapter,), (instance,) = self._world.adapters(gateway), self._world.adapters(who)

        def left_out() -> bool:
            before = len(instance.calls())
            for _ in range(6):
                adapter.call(SERVICE, "left-out")
            return len(instance.calls()) == before

        must(poll(left_out, within_s), f"{adapter.name} calls {instance.name} on, {within_s:g} s later")
        self._world.expect_shared(_CALLS, gateway, [instance])
