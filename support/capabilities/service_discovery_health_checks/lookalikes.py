"""Services and tags that are not the instances', however much their names look like theirs."""

from random import Random
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
# With the tag _catalog: what Consul's name server takes for the instances' service, and for a tag of it (RFC 2782).
_AS_IN_DNS = ("_tcp", f"_{TAGS[0]}")
_WIDE = 0xFEE0  # from a letter to the wide one that an international name has in its place (UTS 46)
_MISSPELT = 70  # names, more than a gateway could keep anything of for each


class Lookalikes:
    """Calls of what there is not, and of services that stand at the instances' addresses."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()

    def register_elsewhere(self) -> None:
        """Consul lists services with names like the instances' at their addresses, until the scenario ends."""
        world = self._world
        nodes = world.fleet.nodes_called(Who("instance"))
        for service in _NAMES:
            node, name = self._draw.choice(nodes), world.fresh("lookalike")
            world.closing.callback(world.consul.deregister, name)
            world.consul.register(service, name, node.inner_address(), node.port)
        world.let_pass(_NOTICED_AFTER_S)

    def expect_none_reached(self) -> None:
        """Calls of these services are put off, and no instance is given one of them."""
        asked = kinds(self._world.gateways, services=_NAMES)
        self._world.calls.expect_refused(asked, Outcome.UNAVAILABLE)

    def expect_unknown(self) -> None:
        """Whoever calls what there is not hears so by each way, and no instance is given one of these calls."""
        world, draw = self._world, self._draw
        misspelt = [f"{SERVICE}-{world.fresh('x')}" for _ in range(_MISSPELT)]
        services = [*_NO_NAMES, *_respelt(SERVICE, draw), world.fresh(SERVICE)]
        tags = [*_NO_TAGS, *_respelt(draw.choice(TAGS), draw), world.fresh(TAGS[0])]
        asked = kinds(world.gateways, services=services) + kinds(world.gateways, tags=tags)
        asked += kinds(world.gateways, tags=[f"_{SERVICE}"], services=_AS_IN_DNS)
        asked += kinds([draw.choice(world.gateways)], [Way.WATCH], services=misspelt)
        world.calls.expect_refused(asked, Outcome.UNKNOWN)


def _respelt(name: str, draw: Random) -> tuple[str, ...]:
    """Spellings that a name server may take for `name`: all or some in capitals, a letter by its number, a wide one."""
    capitals = draw.sample(range(len(name)), draw.randrange(1, len(name)))
    some = "".join(letter.upper() if place in capitals else letter for place, letter in enumerate(name))
    first, rest = ord(name[0]), name[1:]
    return name.upper(), some, f"\\{first:03d}{rest}", f"{chr(first + _WIDE)}{rest}"
