"""Deliveries in vain: how often, after how long, and what waits for them."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.clients.provider_control import ArmedFault
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World


class Retries:
    """Messages that the provider refuses, for a while or for ever."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.refused: list[Message] = []
        self.others: list[Message] = []

    def refuse(self, message: "Message", times: int | None) -> ArmedFault:
        """The provider says so many times, or always, that it is unavailable when it hears of the message."""
        return self._world.provider.arm("status", times=times, status=503, match={"key": message.id})

    def publish_refused(self, count: int, times: int | None) -> None:
        """Publishes messages of so many customers that the provider refuses `times`."""
        self.refused = [self._world.new() for _ in range(count)]
        for message in self.refused:
            self.refuse(message, times)
        for message in self.refused:
            self._world.accept(message)

    def publish_around(self, before: int, after: int, others: int) -> None:
        """A customer's messages, of which the one in between is refused, and then held by the provider.

        When it has been refused, another customer publishes so many.
        """
        world = self._world
        customer = world.fresh("customer")
        world.publish_line(customer, before)
        bad = world.new(customer)
        fault = self.refuse(bad, 1)
        world.provider.arm("hold_before", times=None, match={"key": bad.id})
        self.refused = [world.accept(bad)]
        world.publish_line(customer, after)
        fault.await_hits(1, WELL_WITHIN_S)
        self.others = world.publish_line(world.fresh("customer"), others)

    def expect_spaced(self, *nominal_s: float, spread: float, late_s: float) -> None:
        """Each was delivered again after these seconds, later by at most `spread` of them and `late_s`."""
        for message in self.refused:
            arrivals = self._world.arrivals(message)
            assert_that(len(arrivals), equal_to(len(nominal_s) + 1), f"deliveries of {message.id}")
            for before, after, wait_s in zip(arrivals, arrivals[1:], nominal_s, strict=False):
                gap_s = after.arrived - (before.ended or before.arrived)
                assert_that(gap_s, greater_than_or_equal_to(wait_s), "seconds until the next delivery")
                assert_that(gap_s, less_than_or_equal_to(wait_s * (1 + spread) + late_s), "seconds until the next one")

    def expect_others_first(self, within_s: float) -> None:
        """Within `within_s` the other customer's messages are done, while the refused one waits and is held."""
        self._world.expect_done(within_s, self.others)
        assert_that(self.refused[0].id in self._world.done(), equal_to(False), "the refused one is done by now")
