"""What Consul said of the service all the while: a look every 20 ms."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.service_discovery_health_checks.client import SERVICE
from support.probes.consul import ConsulProbe, Registered
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_EVERY_S = 0.02


class Look(NamedTuple):
    """What Consul named at one moment (seconds since 1970): it was asked when the look had `begun`, and heard `at`."""

    begun: float
    at: float
    named: list[Registered]

    def status_of(self, address: str) -> str | None:
        """What was said of the instance at `address`; None where it was not named."""
        return next((one.status for one in self.named if one.address == address), None)


class Record:
    """The looks from its birth on."""

    def __init__(self, world: "World") -> None:
        self.looks: list[Look] = []
        self._probe = ConsulProbe(world.fleet.stores["consul"])
        self._watch = Watch(self._look, _EVERY_S, self._probe)
        world.closing.callback(self._watch.stop)

    def end(self) -> None:
        """Looks no longer; raises what kept it from looking."""
        self._watch.end()

    def changes(self, address: str) -> list[tuple[float, str | None]]:
        """What was said of the instance at `address`, with when it was first said; None: nothing."""
        said = [(look.at, look.status_of(address)) for look in self.looks]
        return said[:1] + [new for old, new in pairwise(said) if old[1] != new[1]]

    def unseen_s(self, at: float) -> float:
        """How long ago what was seen `at` that moment may have begun, at the most: with the look before."""
        return next((after.at - before.begun for before, after in pairwise(self.looks) if after.at == at), 0.0)

    def _look(self) -> None:
        begun = time.time()
        named = self._probe.registered(SERVICE)
        self.looks.append(Look(begun, time.time(), named))
