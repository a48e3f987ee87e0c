"""Entries of Consul's list that nobody can call."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.capabilities.service_discovery_health_checks.calls import Kind, kinds
from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome
from support.nouns import Who
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_NOTICED_AFTER_S = 1.0


class Nonsense:
    """Instances that are registered as passing: without a port, where nothing listens, or where nothing is at all."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def register(self) -> None:
        """They are listed until the scenario ends."""
        world = self._world
        (node,) = world.fleet.nodes_called(Who("instance", 1))
        silent = ".".join([*node.inner_address().split(".")[:3], "250"])  # of the fleet's network, and nobody's
        places = (("127.0.0.1", 0), ("", 1), (silent, 8000), ("2001:db8::1", 8000), ("nobody.invalid", 8000))
        for address, port in places:
            name = world.fresh("nonsense")
            world.closing.callback(world.consul.deregister, name)
            world.consul.register(SERVICE, name, address, port)
        world.let_pass(_NOTICED_AFTER_S)

    def expect_no_cost(self, count: int, gateways: Who) -> None:
        """All of `count` calls through each of the gateways, by each way, are answered."""
        world = self._world
        unanswered: list[str] = []

        def make(kind: Kind) -> None:
            for _ in range(count):
                reply = kind.gateway.call(SERVICE, "nonsense", way=kind.way)
                if reply.outcome is not Outcome.ANSWERED:
                    unanswered.append(f"{kind}: {reply.outcome.name}")

        for_each(kinds(world.adapters(gateways)), make)
        assert_that(unanswered, empty(), f"of {count} calls of each kind, those that were not answered")
