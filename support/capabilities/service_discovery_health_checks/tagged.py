"""Instances that are also listed under made-up tags, and by each of them are well, warn, fail, or are not there."""

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from support.capabilities.service_discovery_health_checks.calls import Heard, Kind, alike, kinds
from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome, Way
from support.nouns import Who
from support.probes.consul import CRITICAL, PASSING, WARNING

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_STATUSES = (PASSING, WARNING, CRITICAL)
_STANDINGS = list(combinations_with_replacement((*_STATUSES, None), 3))  # of three instances, in whatever order
_EACH = 1  # call for each instance that is to be called, so that each one's turn has to come
_NOTICED_AFTER_S = 1.0
_LONGEST = 63  # letters of a name in DNS (RFC 1035, section 2.3.4)


class Tagged:
    """A tag for every combination of standings; which instance stands how by which is drawn anew in each round."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._tags = list(_lookalikes(world.fresh("v")[:6], len(_STANDINGS)))
        self._standing: dict[str, dict[str, str | None]] = {}

    def register(self) -> None:
        """Consul lists every instance by every status, with the tags that are drawn for it; until the scenario ends."""
        world, names = self._world, [one.name for one in self._world.instances]
        drawn = self._draw.sample(_STANDINGS, len(_STANDINGS))
        self._standing = {
            tag: dict(zip(names, self._draw.sample(standing, len(standing)), strict=True))
            for tag, standing in zip(self._tags, drawn, strict=True)
        }
        for node in world.fleet.nodes_called(Who("instance")):
            for status in _STATUSES:
                tags = [tag for tag, standing in self._standing.items() if standing[node.name] == status]
                name = f"{self._tags[0]}-{node.name}-{status}"
                world.closing.callback(world.consul.deregister, name)
                world.consul.register(SERVICE, name, node.inner_address(), node.port, status, tags)
        world.let_pass(_NOTICED_AFTER_S)

    def expect_found(self) -> None:
        """Calls for each tag are shared evenly by those who are to be called by it; nobody else gets one."""
        self._world.calls.expect(dict(self._wanted()))

    def _wanted(self) -> Iterator[tuple[Kind, Heard]]:
        for kind in kinds(self._world.gateways, tags=self._tags):
            standing = self._standing[kind.tag]
            called = [name for name, status in standing.items() if status in (PASSING, WARNING)]
            failing = [name for name, status in standing.items() if status == CRITICAL]
            if called:
                yield kind, alike(called, _EACH)
            elif kind.way is Way.WATCH:  # DNS does not tell those who fail from those who are not there
                yield kind, alike(failing, _EACH) if failing else {Outcome.UNKNOWN: _EACH}


def _lookalikes(stem: str, count: int) -> Iterator[str]:
    """`count` names that begin, end and go on like each other, one of them as long as can be."""
    yield from (stem, stem[:-1], stem[1:].strip("-"), f"{stem}{stem}", f"{stem}-{stem}", f"{stem:0<{_LONGEST}}")
    yield from (f"{stem}{number}" for number in range(count - 6))
