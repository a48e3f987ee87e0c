"""Messages that are wrong in themselves: refused at once, or kept as they were for somebody to look at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.message_queue_redis_streams.client import Answer, Kind
from support.errors import ProbeError
from support.worlds.crowds import for_each
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_LARGEST = 64 * 1024  # bytes of a payload
_KINDS = {
    "a payload that is no JSON": Kind.NO_JSON,
    "a payload that is no text": Kind.NO_TEXT,
    "no payload": Kind.NOTHING,
    "a number that JSON does not have": Kind.NO_NUMBER,
    "a list in the place of an object": Kind.NO_OBJECT,
    "null in the place of an object": Kind.NULL,
    "thousands of lists in each other": Kind.TOO_DEEP,
    "a type that nobody knows": Kind.UNKNOWN_TYPE,
    "no type": Kind.TYPE_MISSING,
    "nobody to whom it goes": Kind.FIELD_MISSING,
    "an empty name to whom it goes": Kind.FIELD_EMPTY,
    "a list in the place of that name": Kind.FIELD_OF_ANOTHER_KIND,
    "half of a character in that name": Kind.FIELD_NO_TEXT,
}
_REFUSED = re.compile(r"a provider that answers (\d+)")
_TOO_LARGE = {"a payload that is too large", "pieces that are too large together"}
_REFUSALS = {"too large": Answer.TOO_LARGE, "invalid": Answer.INVALID}


class Mistakes:
    """One message for each mistake, and what its producer heard."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._messages: dict[str, Message] = {}  # by what is wrong with it
        self._wanted: dict[str, Answer] = {}
        self._heard: dict[str, Answer] = {}

    def publish(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Publishes a message with the `mistake` of each row, and a good one of the same customer after each.

        A row may say how its producer is refused (`refused as`).
        """
        world = self._world
        for row in rows:
            self._messages[row["mistake"]] = self.large(1) if row["mistake"] in _TOO_LARGE else world.new()
            self._wanted[row["mistake"]] = _REFUSALS.get(row.get("refused as", ""), Answer.ACCEPTED)
        for_each(list(enumerate(self._messages)), lambda one: self._publish(*one))
        for_each(list(self._messages.values()), lambda message: world.publish_line(message.key, 1))

    def large(self, beyond: int, key: str = "") -> "Message":
        """A message whose payload has so many bytes more than it may have. Raises ProbeError where it cannot be."""
        world, message = self._world, self._world.new(key)
        full = replace(message, text="x" * (_LARGEST + beyond - len(world.payload(message))))
        if (size := len(world.payload(full))) != _LARGEST + beyond:
            raise ProbeError(f"a payload was to have {_LARGEST + beyond} bytes, and has {size}")
        return full

    def expect_kept(self, within_s: float) -> None:
        """Each is a dead letter as it was, its producer having heard that it is kept; nothing of it was done."""
        world = self._world
        assert_that(self._heard, equal_to(self._wanted), "what their producers heard")
        letters = world.dead_letters.of_each(list(self._messages.values()), within_s)
        for letter, (mistake, message) in zip(letters, self._messages.items(), strict=True):
            world.dead_letters.expect_whole(letter, message, self._kind(mistake))
        done = set(world.done())
        assert_that(
            [what for what, one in self._messages.items() if one.id in done], empty(), "mistakes that had an effect"
        )

    def expect_refused(self) -> None:
        """The producer of each heard so, and nothing of any is kept anywhere."""
        world, ours = self._world, {message.id for message in self._messages.values()}
        assert_that(self._heard, equal_to(self._wanted), "what their producers heard")
        world.expect_done(WELL_WITHIN_S)
        world.expect_nothing_left(WELL_WITHIN_S)
        known = {letter.id for letter in world.producers[0].dead_letters()}
        assert_that(known & {*ours, ""}, empty(), "dead letters of them")
        assert_that(ours & world.deliveries().keys(), empty(), "deliveries to the provider")

    def _publish(self, place: int, mistake: str) -> None:
        world, message = self._world, self._messages[mistake]
        if refused := _REFUSED.fullmatch(mistake):
            world.provider.arm("status", times=None, status=int(refused[1]), match={"key": message.id})
        producer = world.producers[place % len(world.producers)]
        publish = producer.publish_in_pieces if "pieces" in mistake else producer.publish
        message_id, key = "" if mistake == "no id" else message.id, "" if mistake == "no customer" else message.key
        self._heard[mistake] = publish(key, message_id, world.payload(message, self._kind(mistake)))

    def _kind(self, mistake: str) -> Kind:
        return _KINDS.get(mistake, Kind.GOOD)
