"""Dead letters that are tried again: once, in their place, and no others with them."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, has_length

from support.capabilities.message_queue_redis_streams.dead_letters import DELIVERIES
from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World


class Redrives:
    """Two customers' dead letters, of which the first in the list is tried again."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._letters: list[Message] = []
        self._refusals: dict[str, ArmedFault] = {}  # by the message's id
        self._next: ArmedFault | None = None

    def publish_two(self) -> None:
        """Messages of two customers that the provider always refuses. Returns when both are dead letters."""
        world = self._world
        for message in (world.new(), world.new()):
            self._refusals[message.id] = world.retries.refuse(message, None)
            world.accept(message)
        letters = {message.id: world.dead_letters.of(message, WELL_WITHIN_S) for message in world.messages}
        order = [letter.id for letter in world.producers[0].dead_letters() if letter.id in letters]
        self._letters = sorted(world.messages, key=lambda message: order.index(message.id))

    def publish_next(self) -> None:
        """Another message of the first one's customer, which the provider holds until the letter is tried again."""
        world = self._world
        message = world.new(self._letter(0).key)
        self._next = world.provider.arm("hold_before", times=None, match={"key": message.id})
        world.accept(message)
        self._next.await_waiting(1)

    def redrive(self, recovered: bool) -> None:
        """Two people try the first one again at once; where it has `recovered`, the provider refuses it no more."""
        letter, producers = self._letter(0), self._world.producers
        if recovered:
            self._refusals[letter.id].heal()
        with threads(len(producers)) as pool:
            found = list(pool.map(lambda producer: producer.redrive(letter.id), producers))
        must(any(found), "a dead letter that is there was not found again")
        if self._next:
            self._next.heal()

    def expect_recovered(self, within_s: float) -> None:
        """It has taken effect once, after one more delivery, as all of its customer's; nothing else is left of it."""
        world, letter = self._world, self._letter(0)
        world.expect_done(within_s, [message for message in world.messages if message.key == letter.key])
        assert_that(world.arrivals(letter), has_length(DELIVERIES + 1), "deliveries, as the provider saw them")
        world.dead_letters.expect_none(letter)
        world.expect_nothing_left(WELL_WITHIN_S)

    def expect_dead_again(self, within_s: float) -> None:
        """Within `within_s` it is a dead letter again, once, after as many deliveries as before."""
        self._world.dead_letters.expect_given_up(self._letter(0), within_s, 2 * DELIVERIES)

    def expect_other_kept(self) -> None:
        """The other one is a dead letter as it was, and has not been delivered again."""
        self._world.dead_letters.expect_given_up(self._letter(1), 0)

    def _letter(self, place: int) -> "Message":
        if not self._letters:
            raise ProbeError("no message has been published that is to become a dead letter")
        return self._letters[place]
