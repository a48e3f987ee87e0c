"""Callers who call through both gateways all the time."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty

from support.capabilities.service_discovery_health_checks.client import SERVICE, Adapter, Outcome, Reply
from support.worlds import world as worlds
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_EVERY_S = 0.02
_TAKES_S = 0.05
_CALLERS = 3  # of each gateway


class Made(NamedTuple):
    """A call, from when to when it went (seconds since 1970), and what came of it."""

    began: float
    ended: float
    through: str
    reply: Reply


class Traffic:
    """Some callers of each gateway, from its birth until `end`: at any time each instance works on a call."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.made: list[Made] = []
        self._watches = [Watch(lambda one=one: self._call(one), _EVERY_S) for one in world.gateways * _CALLERS]  # type: ignore[misc]
        for watch in self._watches:
            world.closing.callback(watch.stop)

    def go_on(self, seconds: float) -> None:
        """Calls go on for so long."""
        worlds.wait_until(time.monotonic() + seconds)

    def end(self) -> None:
        """Nobody calls any more. Raises what a caller was answered that the target should not have given."""
        for watch in self._watches:
            watch.end()

    def expect_none_failed(self) -> None:
        """Every call that has been made was answered."""
        self.end()
        assert_that(list(self._failed()), empty(), f"of {len(self.made)} calls, those that were not answered")

    def _failed(self) -> Iterator[Made]:
        return (call for call in self.made if call.reply.outcome is not Outcome.ANSWERED)

    def _call(self, gateway: Adapter) -> None:
        began = time.time()
        reply = gateway.call(SERVICE, self._world.label, takes_s=_TAKES_S)
        self.made.append(Made(began, time.time(), gateway.name, reply))
