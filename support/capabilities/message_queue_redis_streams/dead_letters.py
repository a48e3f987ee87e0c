"""Messages that are given up: when, and what is kept of them."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, has_length, only_contains

from support.capabilities.message_queue_redis_streams.client import Answer, DeadLetter, Kind
from support.errors import ProbeError
from support.polling import poll
from support.probes.redis import client_of
from support.promise import must
from support.worlds.world import WELL_WITHIN_S, wait_until

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

DELIVERIES = 3
_RESTART_S = 10.0


class DeadLetters:
    """The dead letters of the scenario's own messages."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._message: Message | None = None
        self._senseless: Message | None = None
        self._blocker = world.fresh("blocker")

    # How it comes to them

    def publish_poison(self, after: int, others: int) -> None:
        """A message that the provider always refuses, so many of the same customer after it, and of other ones."""
        world = self._world
        self._message = world.new()
        world.retries.refuse(self._message, None)
        world.accept(self._message)
        world.publish_line(self._message.key, after)
        world.publish_lines(others, 1)

    def publish_senseless(self) -> None:
        """A message of another customer that nobody can read."""
        world, self._senseless = self._world, self._world.new()
        must(world.publish(self._senseless, 0, Kind.NO_JSON) is Answer.ACCEPTED, "a message was not accepted")

    def publish_deadly(self) -> None:
        """A message that each worker dies of: it is killed as soon as it works on it, and started again."""
        world = self._world
        self._message = message = world.new()
        held = world.provider.arm("hold_before", times=None, match={"key": message.id})
        world.accept(message)
        for death in range(1, DELIVERIES + 1):
            arrived = world.provider.await_arrivals(death, _RESTART_S, key=message.id)
            assert_that(arrived, has_length(death), "deliveries of the message that workers die of")
            held.await_waiting(1)
            world.faults.relaunch(arrived[-1].via)

    # What Redis does to them

    def block(self) -> None:
        """Redis can write no dead letter: what stands in their place is no stream. Those before are put aside."""
        client = client_of(self._world.fleet.stores["redis-durable"])
        self._world.opened(client)
        name = self._world.names.dead_letters
        if client.exists(name):
            client.rename(name, self._blocker)
        client.set(name, "in the way")
        self._world.closing.callback(self.unblock)

    def unblock(self) -> None:
        """They can be written again; done twice it does nothing."""
        with client_of(self._world.fleet.stores["redis-durable"]) as client:
            name = self._world.names.dead_letters
            if client.type(name) == "string":
                if client.exists(self._blocker):
                    client.rename(self._blocker, name)  # in one step: what is written in between would be lost
                else:
                    client.delete(name)

    def unblock_after(self, seconds: float) -> None:
        """The message has been delivered in vain for the last time; so many seconds later they can be written again."""
        arrived = self._world.provider.await_arrivals(DELIVERIES, WELL_WITHIN_S, key=self._bad().id)
        if len(arrived) < DELIVERIES:
            raise ProbeError(f"the message was delivered {len(arrived)} times, and {DELIVERIES} were to come")
        wait_until(time.monotonic() + seconds)
        assert_that(self._world.arrivals(self._bad()), has_length(DELIVERIES), "deliveries")
        self.unblock()

    # What must hold

    def expect_dead(self, within_s: float) -> None:
        """Within `within_s` the message is a dead letter, as `expect_given_up` says."""
        self.expect_given_up(self._bad(), within_s)

    def expect_given_up(self, message: "Message", within_s: float, deliveries: int = DELIVERIES) -> None:
        """Within `within_s` it is a dead letter, once, with all that it was, after as many deliveries as it may have.

        The provider saw `deliveries` in all.
        """
        world = self._world
        poll(lambda: len(world.arrivals(message)) >= deliveries and self._of(message), within_s)
        letter = self.of(message, 0)
        self.expect_whole(letter, message, Kind.GOOD)
        assert_that(letter.deliveries, equal_to(DELIVERIES), "deliveries, as told with the dead letter")
        assert_that(world.arrivals(message), has_length(deliveries), "deliveries, as the provider saw them")

    def expect_whole(self, letter: DeadLetter, message: "Message", kind: Kind) -> None:
        """It has the message's id, its customer, its payload byte by byte, and a reason."""
        wanted = (message.id, message.key, self._world.payload(message, kind))
        assert_that((letter.id, letter.key, letter.payload), equal_to(wanted), "what the dead letter keeps")
        must(letter.error.strip(), "the dead letter does not say why it was given up")

    def expect_others_done(self, within_s: float) -> None:
        """All other messages are done, once each."""
        world = self._world
        world.expect_done(within_s, [message for message in world.messages if message != self._message])

    def expect_known(self) -> None:
        """Published again it is accepted, as the same message: what its customer publishes after it is not held up.

        It is not delivered again, is the same dead letter, and is not told of as unfinished.
        """
        world, bad = self._world, self._bad()
        world.repeat(bad, 1)
        world.expect_done(WELL_WITHIN_S, world.publish_line(bad.key, 1))
        self.expect_dead(0)
        world.expect_nothing_left(WELL_WITHIN_S)

    def expect_senseless_kept(self, within_s: float) -> None:
        """The message that nobody can read is a dead letter within so many seconds, whole."""
        if not self._senseless:
            raise ProbeError("no message has been published that makes no sense")
        self.expect_whole(self.of(self._senseless, within_s), self._senseless, Kind.NO_JSON)

    def expect_none(self, *messages: "Message") -> None:
        """None of these, by default none of the scenario's messages, is a dead letter."""
        ours = {message.id for message in messages or self._world.messages}
        assert_that([letter for letter in self._all() if letter.id in ours], empty(), "dead letters")

    def of(self, message: "Message", within_s: float) -> DeadLetter:
        """The dead letter of the message, as `of_each` says."""
        return self.of_each([message], within_s)[0]

    def of_each(self, messages: "Sequence[Message]", within_s: float) -> list[DeadLetter]:
        """The dead letter of each of the messages, once there is exactly one, and both producers tell of it."""
        wanted = [message.id for message in messages]
        poll(lambda: {letter.id for letter in self._all()}.issuperset(wanted), within_s)
        told = [self._all(place) for place in range(len(self._world.producers))]
        found = []
        for label in wanted:
            first, *others = [[letter for letter in letters if letter.id == label] for letters in told]
            assert_that(first, has_length(1), f"dead letters of {label} after {within_s:g} s")
            assert_that(others, only_contains(first), "dead letters, as the other producer tells")
            found += first
        return found

    def _of(self, message: "Message") -> list[DeadLetter]:
        return [letter for letter in self._all() if letter.id == message.id]

    def _all(self, place: int = 0) -> list[DeadLetter]:
        return list(self._world.producers[place].dead_letters())

    def _bad(self) -> "Message":
        if not self._message:
            raise ProbeError("no message has been published that is to become a dead letter")
        return self._message
