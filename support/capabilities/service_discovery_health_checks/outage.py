"""Consul away, empty, or out of reach: what gateways do meanwhile, and what they make of it when it is back."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Health
from support.errors import ProbeError
from support.nouns import Who
from support.polling import poll
from support.probes import node as kernel
from support.probes.consul import CRITICAL, PASSING
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_NOTICED_AFTER_S = 1.0
_CALLS = 12  # through each gateway, enough for every instance's turn to come four times


class Outage:
    """What was so before, to be compared with what is after it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._index = 0
        self._tried = 0

    # Consul has lost everything

    def make_changes(self, count: int) -> None:
        """Consul counts `count` changes of the service: an instance that fails comes and goes."""
        name, consul = self._world.fresh("elsewhere"), self._world.consul
        for _ in range(count // 2):
            consul.register(SERVICE, name, "127.0.0.1", 1, CRITICAL)
            consul.deregister(name)
        self._index = consul.index(SERVICE)

    def expect_named_again(self, within_s: float) -> None:
        """All instances are passing again. ProbeError when Consul does not count from a lower number than before."""
        for node in self._world.fleet.nodes_called(Who("instance")):
            self._world.expect_status(node, PASSING, within_s)
        if self._world.consul.index(SERVICE) >= self._index:
            raise ProbeError("Consul was to count from a lower number, and does not")

    def expect_none_failed_while_nobody_is_named(self, seconds: float) -> None:
        """Consul names no instance for so long, and every call is answered. ProbeError when it does name one."""
        self._world.record.looks.clear()
        self._world.traffic.go_on(seconds)
        self._world.traffic.expect_none_failed()
        self._world.record.end()
        if any(look.named for look in self._world.record.looks):
            raise ProbeError("Consul was to name no instance, and named some")

    def expect_heeded(self, who: Who) -> None:
        """An instance that begins to fail is called by no gateway from 1 s after Consul says so."""
        world = self._world
        world.answer_checks(who, Health.FAILING)
        world.let_pass(_NOTICED_AFTER_S)
        before = world.served()
        world.call(_CALLS, Who("gateway"))
        world.expect_all_answered()
        (instance,) = world.adapters(who)
        assert_that((world.served() - before)[instance.name], equal_to(0), f"calls of {instance.name} after that")

    # A gateway does not reach Consul

    def fail_meanwhile(self, who: Who, gateway: Who) -> None:
        """The instance fails, and Consul says so; counts how often the gateway tries to connect meanwhile."""
        (adapter,) = self._world.adapters(gateway)
        (node,) = (node for node in self._world.fleet.nodes if node.name == adapter.name)
        before = kernel.connections_tried(node)
        self._world.answer_checks(who, Health.FAILING)
        self._world.let_pass(_NOTICED_AFTER_S)
        self._tried = kernel.connections_tried(node) - before

    def expect_tried_at_most(self, count: int) -> None:
        """The gateway tried to connect so often, by the kernel's count."""
        assert_that(self._tried, less_than_or_equal_to(count), "connections that were tried meanwhile")

    def expect_left_out(self, who: Who, gateway: Who, within_s: float) -> None:
        """Within `within_s` the gateway calls the others alone, by the instance's own record."""
        (adapter,), (instance,) = self._world.adapters(gateway), self._world.adapters(who)

        def left_out() -> bool:
            before = len(instance.calls())
            for _ in range(6):
                adapter.call(SERVICE, self._world.label)
            return len(instance.calls()) == before

        must(poll(left_out, within_s), f"{adapter.name} calls {instance.name} on, {within_s:g} s later")

    # A list with nonsense in it

    def register_nonsense(self) -> None:
        """Instances that nobody can call, all of them passing; they leave with the scenario."""
        consul, world = self._world.consul, self._world
        for address, port in (("127.0.0.1", 0), ("", 1), ("nobody.invalid", 8000)):
            name = world.fresh("nonsense")
            world.closing.callback(consul.deregister, name)
            consul.register(SERVICE, name, address, port)
        world.let_pass(_NOTICED_AFTER_S)
