"""Deliveries in vain: how often, after how long, and what waits for them."""

from itertools import pairwise
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, has_length, less_than_or_equal_to

from support.clients.provider_control import ArmedFault
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_SOME = 4  # messages, of which each worker should get some


class Retries:
    """Messages that the provider refuses, for a while or for ever."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.refused: list[Message] = []
        self.others: list[Message] = []
        self._told: list[int] = []
        self._done = 0  # messages that had been done by the time that it was told

    def refuse(self, message: "Message", times: int | None) -> ArmedFault:
        """The provider says so many times, or always, that it is unavailable when it hears of the message."""
        return self._world.provider.arm("status", times=times, status=503, match={"key": message.id})

    def publish_failing_twice(self, count: int) -> None:
        """Messages of so many customers; the provider hangs up at the first call for each, and refuses the second.

        Returns when each has failed once, and nobody is at work on one.
        """
        world = self._world
        self.refused = [world.new() for _ in range(count)]
        for message in self.refused:
            world.provider.arm("reset", match={"key": message.id})
            self.refuse(message, 1)
        for_each(self.refused, world.accept)
        world.provider.await_arrivals(count, WELL_WITHIN_S, path=f"/effects/{world.batch}-*")
        poll(lambda: not world.redis.pending(world.names.stream, world.names.group), WELL_WITHIN_S, 0.005)

    def publish_behind(self) -> None:
        """Another message of each of these customers; then both producers are asked how much is unfinished."""
        world = self._world
        for_each(self.refused, lambda message: world.publish_line(message.key, 1))
        before = world.before["unfinished, as told"]
        self._told = [producer.unfinished() - before for producer in world.producers]
        self._done = len(world.done())

    def expect_told(self) -> None:
        """Both told of all messages, but for those that may have been done by then."""
        most = len(self._world.messages)
        assert_that(min(self._told), greater_than_or_equal_to(most - self._done), "unfinished messages, as told")
        assert_that(max(self._told), less_than_or_equal_to(most), "unfinished messages, as told")

    def expect_tried_again(self, within_s: float) -> None:
        """Messages that the provider refuses once from now on take effect within so many seconds."""
        world = self._world
        world.provider.heal()  # of faults that fit a request the one that was armed first is met
        messages = [world.new() for _ in range(_SOME)]
        refusals = [self.refuse(message, 1) for message in messages]
        for_each(messages, world.accept)
        for refusal in refusals:
            refusal.await_hits(1, WELL_WITHIN_S)
        world.expect_done(within_s, messages)

    def publish_around(self, before: int, after: int, others: int) -> None:
        """A customer's messages, of which the one in between is refused, and then held by the provider.

        When it has been refused, another customer publishes so many.
        """
        world = self._world
        customer = world.customer()
        world.publish_line(customer, before)
        bad = world.new(customer)
        fault = self.refuse(bad, 1)
        world.provider.arm("hold_before", times=None, match={"key": bad.id})
        self.refused = [world.accept(bad)]
        world.publish_line(customer, after)
        fault.await_hits(1, WELL_WITHIN_S)
        self.others = world.publish_line(world.customer(), others)

    def expect_spaced(self, *nominal_s: float, spread: float, late_s: float) -> None:
        """Each was delivered again after these seconds, later by at most `spread` of them and `late_s`."""
        for message in self.refused:
            gaps = self._gaps(message)
            assert_that(gaps, has_length(len(nominal_s)), f"deliveries of {message.id} after the first one")
            for gap_s, wait_s in zip(gaps, nominal_s, strict=True):
                assert_that(gap_s, greater_than_or_equal_to(wait_s), "seconds until the next delivery")
                assert_that(gap_s, less_than_or_equal_to(wait_s * (1 + spread) + late_s), "seconds until the next one")

    def _gaps(self, message: "Message") -> list[float]:
        """After how many seconds it was delivered again, each time."""
        arrivals = self._world.arrivals(message)
        return [after.arrived - (before.ended or before.arrived) for before, after in pairwise(arrivals)]

    def expect_others_first(self, within_s: float) -> None:
        """Within `within_s` the other customer's messages are done, while the refused one waits and is held."""
        self._world.expect_done(within_s, self.others)
        assert_that(self.refused[0].id in self._world.done(), equal_to(False), "the refused one is done by now")
