"""How long an answer is given: from when it was made, however often it is asked for."""

import time
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty, equal_to

from support.capabilities.llm_response_caching_redis.calls import number_of
from support.errors import ProbeError
from support.probes.redis import RedisProbe
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World


class Asked(NamedTuple):
    """One question: when it was sent and answered (seconds since the answer may have been made), and by which call."""

    sent: float
    answered: float
    call: int


class Lifetime:
    """One answer, from when it was made on."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(RedisProbe(world.fleet.stores["redis"]))
        self._made_at = (0.0, 0.0)  # between these moments
        self._asked: list[Asked] = []

    def make(self) -> None:
        """The customer asks for it."""
        began = time.monotonic()
        self._world.ask_first()
        self._made_at = (began, time.monotonic())

    def ask_steadily(self, every_s: float, for_s: float) -> None:
        """It is asked for all the time, through the gateways in turn."""
        world = self._world
        for number, gateway in zip(range(round(for_s / every_s)), turns(world.nodes), strict=False):
            wait_until(self._made_at[1] + number * every_s)
            sent = time.monotonic()
            call = number_of(gateway.ask(world.customer, world.question))
            self._asked.append(Asked(sent, time.monotonic(), call))

    def expect_kept_between(self, until_s: float, from_s: float) -> None:
        """Until `until_s` it was given to everybody, and from `from_s` on to nobody; it was paid for twice."""
        first, (began, ended) = number_of(self._world.first), self._made_at
        late = [one.sent - ended for one in self._asked if one.sent > ended + from_s and one.call == first]
        assert_that(late, empty(), "seconds after it was made at which it was still given")
        early = [one.answered - began for one in self._asked if one.answered < began + until_s and one.call != first]
        assert_that(early, empty(), "seconds after it was made at which it was not given any more")
        if not any(one.sent > ended + from_s for one in self._asked):
            raise ProbeError("nobody asked after the end of its life")
        assert_that(self._world.paid(), equal_to(2), "calls that the provider counted")

    def expect_ends(self, within_s: float) -> None:
        """All that is in Redis ends by itself."""
        endless = {key: left for key, left in self._redis.lifetimes().items() if not 0 <= left <= within_s}
        assert_that(endless, empty(), "keys in Redis that do not end in time")
