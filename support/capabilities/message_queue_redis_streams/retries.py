"""Deliveries in vain: how often, after how long, and what waits for them."""

from itertools import cycle, pairwise, product
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, has_length, less_than_or_equal_to

from support.capabilities.message_queue_redis_streams.pulse import Pulse
from support.clients.provider_control import ArmedFault
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_WORKERS = ("worker-1", "worker-2")
_SOME = 4  # messages, of which each worker should get some
# Ways in which a call fails, before anything was done, or after it was.
_BEFORE: list[dict[str, Any]] = [
    {"do": "reset"},
    *({"do": "status", "status": status} for status in (429, 500, 502, 503, 504)),
]
_AFTER: list[dict[str, Any]] = [
    {"do": "drop_after"},
    *({"do": "reset", "part": part} for part in ("head", "body")),
    *({"do": "status", "status": status, "when": "after"} for status in (500, 503)),
]


class Retries:
    """Messages that the provider refuses, for a while or for ever."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self.refused: list[Message] = []
        self.others: list[Message] = []
        self._told: list[int] = []
        self._done = 0  # messages that had been done by the time that it was told

    def refuse(self, message: "Message", times: int | None) -> ArmedFault:
        """The provider says so many times, or always, that it is unavailable when it hears of the message."""
        return self._world.provider.arm("status", times=times, status=503, match={"key": message.id})

    def publish_failing_twice(self, count: int) -> None:
        """Messages of so many customers; twice the call for each fails, in every way in which a call can fail.

        Returns when each has failed once, and nobody is at work on one.
        """
        world = self._world
        self._pulse = Pulse(world, *_WORKERS)
        self.refused = [world.new() for _ in range(count)]
        for ways, messages in ((_BEFORE, self.refused[::2]), (_AFTER, self.refused[1::2])):
            dealt = cycle(self._draw.sample(ways, len(ways)))
            for message, _ in product(messages, range(2)):
                world.provider.arm(match={"key": message.id}, **next(dealt))
        for_each(self.refused, world.accept)
        refused = {message.id for message in self.refused}
        poll(lambda: refused <= world.deliveries().keys(), WELL_WITHIN_S)
        poll(lambda: not world.redis.pending(world.names.stream, world.names.group), WELL_WITHIN_S, 0.005)

    def publish_behind(self) -> None:
        """Another message of each of these customers, and those again that wait; then both producers tell of them."""
        world = self._world
        for_each(self.refused, lambda message: world.publish_line(message.key, 1))
        for_each(self.refused, lambda message: world.repeat(message, 1))
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

    def publish_failed(self, count: int) -> None:
        """Messages that the provider refuses once; returns when it has, and they wait to be tried again.

        A worker that freezes may have begun one anew, which counts as a delivery: there is another one to come.
        """
        world = self._world
        messages = [world.new() for _ in range(count)]
        refusals = [self.refuse(message, 1) for message in messages]
        for_each(messages, world.accept)
        for refusal in refusals:
            refusal.await_hits(1, WELL_WITHIN_S)

    def publish_around(self, before: int, after: int, each: int) -> None:
        """A customer's messages, of which the one in between is cut off, and then held by the provider.

        When it has been cut off, all whose names look like that customer's publish `each`.
        """
        world = self._world
        customer, *others = world.lines.names()
        world.publish_line(customer, before)
        bad = world.new(customer)
        first = world.provider.arm("hold_before", times=1, match={"key": bad.id})
        world.provider.arm("hold_before", times=None, match={"key": bad.id})
        self.refused = [world.accept(bad)]
        world.publish_line(customer, after)
        first.await_waiting(1, WELL_WITHIN_S)
        first.cut()  # when those behind it stand in the line
        for_each(others, lambda key: world.publish_line(key, each))
        self.others = [message for message in world.messages if message.key in others]

    def expect_spaced(self, *nominal_s: float, spread: float, late_s: float) -> None:
        """Each was delivered again after these seconds, later by at most `spread` of them and `late_s`."""
        for message in self.refused:
            gaps = self._gaps(message)
            with self._pulse.excusing(*_WORKERS):
                assert_that(
                    gaps, has_length(len(nominal_s)), f"deliveries of {message.id} after the first one, {self._draw}"
                )
            for gap_s, wait_s in zip(gaps, nominal_s, strict=True):
                assert_that(gap_s, greater_than_or_equal_to(wait_s), "seconds until the next delivery")
                with self._pulse.excusing(*_WORKERS):
                    most_s = wait_s * (1 + spread) + late_s
                    assert_that(gap_s, less_than_or_equal_to(most_s), "seconds until the next one")

    def _gaps(self, message: "Message") -> list[float]:
        """After how many seconds it was delivered again, each time."""
        arrivals = self._world.arrivals(message)
        return [after.arrived - (before.ended or before.arrived) for before, after in pairwise(arrivals)]

    def expect_others_first(self, within_s: float) -> None:
        """Within `within_s` the other customers' messages are done, while the refused one waits and is held."""
        self._world.expect_done(within_s, self.others)
        assert_that(self.refused[0].id in self._world.done(), equal_to(False), "the refused one is done by now")
