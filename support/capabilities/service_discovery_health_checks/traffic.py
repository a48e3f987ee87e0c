"""Callers who call through both gateways all the time."""

import time
from collections import Counter
from itertools import cycle
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty, less_than_or_equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Adapter, Outcome, Reply, Way
from support.errors import ProbeError
from support.polling import poll
from support.worlds import world as worlds
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_EVERY_S = 0.02
_TAKES_S = 0.05
_CALLERS = 3  # of each gateway
_WAYS = (Way.WATCH, Way.WATCH, Way.DNS, Way.DNS, Way.WATCH, Way.DNS)  # of one caller after the other
_FIRST = 12  # calls, which connect and look up
_BEFORE = 42  # calls: those after the first ones show how long one takes
_BEFORE_WITHIN_S = 10.0


class Made(NamedTuple):
    """A call, how many seconds it took, and what came of it."""

    through: str
    way: Way
    took_s: float
    reply: Reply


class Traffic:
    """Some callers of each gateway, from its birth until `end`: at any time each instance works on a call.

    Half of them call whom the gateway knows by watch, the others whom it finds by DNS; their calls go by `labels`.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self.made: list[Made] = []
        self._since = _BEFORE
        self.labels = {way: world.fresh("traffic") for way in Way}
        callers = zip(world.gateways * _CALLERS, cycle(_WAYS), strict=False)
        self._watches = [Watch(lambda one=one: self._call(*one), _EVERY_S) for one in callers]  # type: ignore[misc]
        for watch in self._watches:
            world.closing.callback(watch.stop)

    def begin(self) -> None:
        """Returns when some calls have shown how long one takes. ProbeError when that takes too long."""
        if not poll(lambda: len(self.made) >= _BEFORE, _BEFORE_WITHIN_S):
            raise ProbeError(f"only {len(self.made)} calls were made within {_BEFORE_WITHIN_S:g} s")

    def go_on(self, seconds: float) -> None:
        """Calls go on for so long, and those from now on are the ones that are held against those before."""
        self._since = len(self.made)
        worlds.wait_until(time.monotonic() + seconds)

    def end(self) -> None:
        """Nobody calls any more. Raises what a caller was answered that the target should not have given."""
        for watch in self._watches:
            watch.end()

    def expect_none_failed(self) -> None:
        """Every call that has been made was answered."""
        self.end()
        failed = Counter(
            (c.through, c.way.name, c.reply.outcome.name) for c in self.made if c.reply.outcome is not Outcome.ANSWERED
        )
        assert_that(failed, empty(), f"of {len(self.made)} calls, those that were not answered")

    def expect_as_fast(self, times: float) -> None:
        """By each way, three of four calls took at most `times` as long as one did before anything was amiss."""
        for way in Way:
            _, before, _ = _quarters(self.made[_FIRST:_BEFORE], way)
            *_, since = _quarters(self.made[self._since :], way)
            told = f"how many times as long as before most calls took by {way.name}"
            assert_that(since / before, less_than_or_equal_to(times), told)

    def _call(self, gateway: Adapter, way: Way) -> None:
        began = time.monotonic()
        reply = gateway.call(SERVICE, self.labels[way], way=way, takes_s=_TAKES_S)
        self.made.append(Made(gateway.name, way, time.monotonic() - began, reply))


def _quarters(made: list[Made], way: Way) -> list[float]:
    """How many seconds one, two and three of four of the calls by `way` took at most."""
    return quantiles([one.took_s for one in made if one.way is way], n=4)
