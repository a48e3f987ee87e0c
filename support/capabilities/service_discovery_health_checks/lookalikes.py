"""Services and tags that are not the instances', however much their names look like theirs."""

import random
from typing import TYPE_CHECKING

from support.capabilities.service_discovery_health_checks.calls import kinds
from support.capabilities.service_discovery_health_checks.client import SERVICE, TAGS, Outcome, Way
from support.nouns import Who

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_NOTICED_AFTER_S = 1.0
_NAMES = (  # that a service may have, each as near to the instances' own as one slip of a finger
    SERVICE[:-1],
    SERVICE[1:],
    SERVICE[1] + SERVICE[0] + SERVICE[2:],
    f"{SERVICE}{SERVICE[-1]}",
    f"{SERVICE}-1",
    f"old-{SERVICE}",
    f"{SERVICE}-of-{SERVICE}",
)
_NO_NAMES = (
    f"{TAGS[0]}.{SERVICE}",
    f"{SERVICE}.service",
    f".{SERVICE}",
    f"{SERVICE}.",
    f"{SERVICE}-",
    f"-{SERVICE}",
    "*",
)
_NO_TAGS = (TAGS[0][:-1], TAGS[0][1:], f"{TAGS[0]}-1", "-".join(TAGS), f"{TAGS[0]}.{TAGS[1]}", SERVICE)
_MISSPELT = 70  # names, more than a gateway could keep anything of for each


class Lookalikes:
    """Calls of what there is not, and of services that stand at the instances' addresses."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def register_elsewhere(self) -> None:
        """Consul lists services with names like the instances' at their addresses, until the scenario ends."""
        world = self._world
        nodes = world.fleet.nodes_called(Who("instance"))
        for service in _NAMES:
            node, name = random.choice(nodes), world.fresh("lookalike")
            world.closing.callback(world.consul.deregister, name)
            world.consul.register(service, name, node.inner_address(), node.port)
        world.let_pass(_NOTICED_AFTER_S)

    def expect_none_reached(self) -> None:
        """Calls of these services are put off, and no instance is given one of them."""
        asked = kinds(self._world.gateways, services=_NAMES)
        self._world.calls.expect_refused(asked, Outcome.UNAVAILABLE)

    def expect_unknown(self) -> None:
        """Whoever calls what there is not hears so by each way, and no instance is given one of these calls."""
        world = self._world
        misspelt = [f"{SERVICE}-{world.fresh('x')}" for _ in range(_MISSPELT)]
        asked = kinds(world.gateways, services=[*_NO_NAMES, world.fresh(SERVICE)])
        asked += kinds(world.gateways, tags=[*_NO_TAGS, world.fresh(TAGS[0])])
        asked += kinds(world.gateways, [Way.WATCH], services=misspelt)
        world.calls.expect_refused(asked, Outcome.UNKNOWN)
