"""What the limiter keeps in Redis, and for how long."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.capabilities.rate_limiting_redis.client import Verdict
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.probes.redis import RedisProbe

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World

_FARTHEST = 600  # bytes; more than a gateway says to Redis for one call
_NEVER = 1 << 30
_WELL_WITHIN_S = 5.0
_SOME = 8  # calls; fewer than the plan allows


class Keys:
    """The keys of a Redis that is used by nobody but the limiter."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(RedisProbe(world.fleet.stores["redis"]))

    def lose_scripts(self, times: int) -> None:
        """Redis forgets every script that it was taught (SCRIPT FLUSH) so many times, as after restarts or failovers.

        Each gateway serves calls before each time, and one of them teaches Redis: by the third time each has done so
        once. AssertionError if it fails.
        """
        world = self._world
        for _ in range(times):
            world.customer("somebody", "pro")
            world.call_anew("somebody", lambda: world.call_at_once("somebody", _SOME))
            world.expect_admitted("somebody", _SOME)
            for client in self._redis.members.values():
                client.script_flush()

    def break_connections(self, count: int) -> None:
        """New customers call through the first gateway, whose connection breaks a few bytes later each time.

        FaultError unless the connections of some of these calls broke and others' did not, so that everything in
        between was tried. Whether a gateway refuses a call whose count broke off, lets it in or tries again is its own.
        """
        world, broke = self._world, []
        world.customer("somebody", "pro")
        for number in range(count):
            world.faults.break_after("redis", "gateway-1", _NEVER)
            poll(self._counts_again, _WELL_WITHIN_S)
            by_itself = self._ended_by("somebody")  # a gateway may have a connection for each call
            world.faults.break_after("redis", "gateway-1", (number + 1) * _FARTHEST // count)
            world.customer(f"customer {number}", "free")
            ended = self._ended_by(f"customer {number}")
            answer = world.calls[f"customer {number}"][-1].answer
            broke.append(ended > by_itself or answer.verdict is Verdict.UNAVAILABLE)
        world.faults.join("redis", "gateway-1")
        if all(broke) or not any(broke):
            raise FaultError(f"of {count} calls some were to lose their connection and some not; {sum(broke)} did")

    def expect_ends(self, within_s: float) -> None:
        """Every key that is there has an end, at most `within_s` from now. AssertionError with those that have not.

        ProbeError where there is none to look at.
        """
        lifetimes = self._redis.lifetimes()
        assert_that({key: s for key, s in lifetimes.items() if not 0 <= s <= within_s}, empty(), "keys without an end")
        if not lifetimes:
            raise ProbeError("by the time that Redis was looked at, everything in it had ended")

    def expect_none(self, within_s: float) -> None:
        """Within `within_s` nothing is left. AssertionError with the keys that are."""
        poll(lambda: not self._redis.keys(), within_s)
        assert_that(self._redis.keys(), empty(), "keys that are left")

    def _ended_by(self, name: str) -> int:
        """How many connections to Redis end while the customer `name` makes a call through the first gateway."""
        before = self._redis.connections_ended()
        self._world.call(name, self._world.nodes[0])
        return self._redis.connections_ended() - before

    def _counts_again(self) -> bool:
        return self._world.call("somebody", self._world.nodes[0]).answer.verdict is not Verdict.UNAVAILABLE
