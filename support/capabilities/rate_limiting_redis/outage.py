"""Redis is away: what the gateways decide by themselves, and how they come together again."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, less_than, none

from support.capabilities.rate_limiting_redis.calls import excess, unjust
from support.capabilities.rate_limiting_redis.client import Adapter, Customer, Resource, Verdict
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World

_CATALOGUE = (Resource.CATALOGUE,)


class Outage:
    """Calls of customers whom each gateway has to count by itself."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._took_s = self._turned_away_s = 0.0

    def call(self, name: str, at_once: int, in_turn: int) -> None:
        """The customer orders and looks at the catalogue: `at_once` calls to one gateway, and then `in_turn` to all.

        The former are many more than a gateway has connections to Redis, so that some of them have to wait for one.
        """
        began = time.monotonic()
        self._world.call_at_once(name, at_once, self._world.nodes[:1])
        self._world.call_in_turn(name, in_turn, tuple(Resource))
        self._took_s = time.monotonic() - began
        self._turn_away(at_once, in_turn)

    def look(self, name: str, count: int) -> None:
        """The customer looks at the catalogue `count` times, one after the other."""
        began = time.monotonic()
        self._world.call_in_turn(name, count, _CATALOGUE)
        self._took_s = time.monotonic() - began
        self._turn_away(0, count)

    def _turn_away(self, at_once: int, in_turn: int) -> None:
        """As many calls of somebody whose plan nobody knows, for which Redis need not be asked."""
        world = self._world
        somebody, label = Customer(world.fresh("somebody"), "no such plan"), world.fresh("call")

        def ask(gateway: Adapter) -> None:
            gateway.call(somebody, Resource.CATALOGUE, label, "1")

        began = time.monotonic()
        if at_once:
            for_each(world.nodes[:1] * at_once, ask, at_once)
        for _, gateway in zip(range(in_turn), turns(world.nodes), strict=False):
            ask(gateway)
        self._turned_away_s = time.monotonic() - began

    def expect_no_orders(self) -> None:
        """Every order was refused as unavailable."""
        calls = [call for calls in self._world.calls.values() for call in calls if call.resource is Resource.ORDERS]
        assert_that({call.answer.verdict for call in calls}, equal_to({Verdict.UNAVAILABLE}), "answers to orders")

    def expect_limits_kept_by_each(self, window_s: float) -> None:
        """Each gateway kept every plan, nobody was refused who had calls left, and nothing else reached the API.

        ProbeError where a customer called so slowly that there was nothing to refuse.
        """
        world = self._world
        for name, calls in world.calls.items():
            shown = [call for call in calls if call.resource is Resource.CATALOGUE]
            world.expect_counted(name, shown)
            for gateway in world.nodes:
                through = [call for call in shown if call.gateway == gateway.name]
                most = max(call.limit for call in through)
                assert_that(excess(through, most, window_s), none(), f"calls of {name} through {gateway.name}")
            assert_that(unjust(shown, window_s), empty(), f"calls of {name} that were refused, though there was room")
            if all(call.admitted for call in shown):
                raise ProbeError(f"{name} called so slowly that all of it fitted the plan")

    def expect_took(self, times: float, more_s: float) -> None:
        """All calls together took at most `times` what as many took that need no Redis, and `more_s`.

        So not each of them waited for it, and how quick the machine is does not matter: each gateway waits for a second
        once, and longer where the machine stands still meanwhile; calls that wait for each other take 15 s and more.
        """
        bound_s = times * self._turned_away_s + more_s
        assert_that(self._took_s, less_than(bound_s), "seconds that all calls took")

    def expect_counted_together(self, within_s: float, asked: int, count: int) -> None:
        """Within `within_s` all take orders; of `asked` calls of a new customer `count` get through, and not at each.

        A gateway that did not take orders yet would let none through, as if it counted.
        """
        must(poll(self._orders_taken, within_s), f"orders are taken through every gateway {within_s:g} s later")
        name = self._world.fresh("customer")
        self._world.customer(name, "free")
        self._world.call_anew(name, lambda: self._world.call_at_once(name, asked))
        self._world.expect_admitted(name, count)

    def _orders_taken(self) -> bool:
        name, gateways = self._world.fresh("customer"), len(self._world.nodes)
        self._world.customer(name, "free")
        self._world.call_in_turn(name, gateways)
        return all(call.admitted for call in self._world.calls[name])
