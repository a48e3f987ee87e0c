"""Messages that are wrong in themselves: refused at once, or kept as they were for somebody to look at."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.message_queue_redis_streams.client import Answer, Kind
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import World

_KINDS = {
    "a payload that is no JSON": Kind.NO_JSON,
    "a payload that is no text": Kind.NO_TEXT,
    "a type that nobody knows": Kind.UNKNOWN_TYPE,
    "nobody to whom it goes": Kind.FIELD_MISSING,
    "a list in the place of an object": Kind.NO_OBJECT,
    "a payload that is too large": Kind.TOO_LARGE,
    "pieces that are too large together": Kind.TOO_LARGE,
}
_NAMES = {"no id": ("", "customer"), "no customer": ("id", "")}
_REFUSALS = {"too large": Answer.TOO_LARGE, "invalid": Answer.INVALID}


class Mistakes:
    """One such message, and what its producer heard."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._heard: Answer | None = None

    def publish(self, what: str) -> None:
        """Publishes a message that has `what` a sentence says, and a good one of the same customer after it."""
        world = self._world
        self._kind = _KINDS.get(what, Kind.GOOD)
        good = self._message = world.new()
        message_id, key = _NAMES.get(what, ("id", "customer"))
        producer, payload = world.producers[0], world.producers[0].payload(self._kind, good.id)
        publish = producer.publish_in_pieces if "pieces" in what else producer.publish
        self._heard = publish(good.key if key else "", good.id if message_id else "", payload)
        world.publish_line(good.key, 1)

    def expect_kept(self, within_s: float) -> None:
        """It is a dead letter as it was, its producer having heard that it is kept; nothing of it was done."""
        world = self._world
        assert_that(self._heard, equal_to(Answer.ACCEPTED), "what its producer heard")
        letter = world.dead_letters.of(self._message, within_s)
        world.dead_letters.expect_whole(letter, self._message, self._kind)
        assert_that(world.arrivals(self._message), empty(), "deliveries to the provider")

    def expect_refused(self, refusal: str) -> None:
        """Its producer heard so, and nothing of it is kept anywhere."""
        world = self._world
        assert_that(self._heard, equal_to(_REFUSALS[refusal]), "what its producer heard")
        world.expect_done(WELL_WITHIN_S)
        world.expect_nothing_left(WELL_WITHIN_S)
        known = {letter.id for letter in world.producers[0].dead_letters()}
        assert_that(known & {self._message.id, ""}, empty(), "dead letters of it")
        assert_that(world.arrivals(self._message), empty(), "deliveries to the provider")
