"""Dead letters that are tried again: once, in their place, and no others with them."""

from itertools import product
from typing import TYPE_CHECKING

from hamcrest import assert_that, has_length

from support.capabilities.message_queue_redis_streams.client import Adapter
from support.capabilities.message_queue_redis_streams.dead_letters import DELIVERIES
from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.promise import must
from support.worlds.crowds import for_each
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World


class Redrives:
    """Customers' dead letters, in their order in the list, of which the first two are tried again."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._letters: list[Message] = []
        self._refusals: dict[str, ArmedFault] = {}  # by the message's id
        self._next: ArmedFault | None = None
        self._found: set[str] = set()  # ids of those that somebody found when they were tried again

    def publish(self, customers: int) -> None:
        """Messages of so many customers that the provider always refuses. Returns when all are dead letters."""
        world = self._world
        for message in [world.new() for _ in range(customers)]:
            self._refusals[message.id] = world.retries.refuse(message, None)
            world.accept(message)
        world.dead_letters.of_each(world.messages, WELL_WITHIN_S)
        order = [letter.id for letter in world.producers[0].dead_letters()]
        self._letters = sorted(world.messages, key=lambda message: order.index(message.id))

    def publish_next(self) -> None:
        """Another message of the first one's customer, which the provider holds until the letter is tried again."""
        world = self._world
        message = world.new(self._letter(0).key)
        self._next = world.provider.arm("hold_before", times=None, match={"key": message.id})
        world.accept(message)
        self._next.await_waiting(1)

    def redrive(self) -> None:
        """Two people try each of the first two again at once; the provider refuses the first one no more."""
        tried = [self._letter(0), self._letter(1)]
        self._refusals[tried[0].id].heal()
        attempts = list(product(tried, self._world.producers))
        for_each(attempts, lambda attempt: self._try(*attempt), at_once=len(attempts))
        must(self._found == {one.id for one in tried}, "a dead letter that is there was not found again")
        if self._next:
            self._next.heal()

    def expect_recovered(self, within_s: float) -> None:
        """The first one has taken effect once, after one more delivery, as all of its customer's; it is not dead."""
        world, letter = self._world, self._letter(0)
        world.expect_done(within_s, [message for message in world.messages if message.key == letter.key])
        assert_that(world.arrivals(letter), has_length(DELIVERIES + 1), "deliveries, as the provider saw them")
        world.dead_letters.expect_none(letter)

    def expect_dead_again(self, within_s: float) -> None:
        """Within `within_s` the second one is a dead letter again, once, after as many deliveries as before."""
        self._world.dead_letters.expect_given_up(self._letter(1), within_s, 2 * DELIVERIES)

    def expect_other_kept(self) -> None:
        """The third one is a dead letter as it was, and has not been delivered again."""
        self._world.dead_letters.expect_given_up(self._letter(2), 0)

    def _try(self, letter: "Message", producer: Adapter) -> None:
        if producer.redrive(letter.id):
            self._found.add(letter.id)

    def _letter(self, place: int) -> "Message":
        if not self._letters:
            raise ProbeError("no message has been published that is to become a dead letter")
        return self._letters[place]
