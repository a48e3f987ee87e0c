"""Producers of messages and operators of a queue: what they can do, and what they hear."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol


class Answer(Enum):
    """What a producer heard of a message."""

    ACCEPTED = auto()  # it is kept, and will be worked on
    INVALID = auto()
    TOO_LARGE = auto()
    UNAVAILABLE = auto()  # it may be kept or not; to be published again under the same id


class Kind(Enum):
    """What a payload is like."""

    GOOD = auto()  # it asks for one effect, under the label that it is made for
    NO_JSON = auto()
    NO_TEXT = auto()  # a good one, but for a few bytes that are no text in any encoding that is in use
    NO_NUMBER = auto()  # a good one, but for NaN, which JSON does not have
    NO_OBJECT = auto()  # JSON that is not what a message is
    NULL = auto()
    NOTHING = auto()  # no byte
    TOO_DEEP = auto()  # lists in lists, thousands of them
    UNKNOWN_TYPE = auto()
    TYPE_MISSING = auto()
    FIELD_MISSING = auto()
    FIELD_EMPTY = auto()
    FIELD_OF_ANOTHER_KIND = auto()  # a list, where a name has to be
    FIELD_NO_TEXT = auto()  # half of a character, where a name has to be


@dataclass(frozen=True)
class DeadLetter:
    """A message that was given up, after how many deliveries, and why."""

    id: str
    key: str
    payload: bytes
    deliveries: int
    error: str


class Names(NamedTuple):
    """What the platform calls things in Redis: the stream, its consumer group, the stream or key of dead letters.

    `remembered` are keys that never end themselves, in which ids stay for a while, so that a repetition is known.
    """

    stream: str
    group: str
    dead_letters: str
    remembered: tuple[str, ...] = ()


class Adapter(Protocol):
    """One node, through which messages are published and dead letters are looked at."""

    name: str

    def payload(self, kind: Kind, label: str, text: str = "") -> bytes:
        """A payload of that kind, in which `text` stands as well, so that each letter of it makes it longer.

        To work on a good one is to POST it as it is to the provider's path /effects/label, with the label quoted.
        """

    def publish(self, key: str, message_id: str, payload: bytes) -> Answer:
        """Publishes a message of the customer `key`; under the same id it is the same message.

        AssertionError for an answer that is none of these.
        """

    def publish_in_pieces(self, key: str, message_id: str, payload: bytes) -> Answer:
        """The same, without saying first how large the payload is; as `publish`, where it has to be said."""

    def unfinished(self) -> int:
        """How many messages are not done, as the platform's metrics tell."""

    def dead_letters(self) -> Sequence[DeadLetter]:
        """All dead letters, in the order in which they were given up."""

    def redrive(self, message_id: str) -> bool:
        """Lets a dead letter be worked on again; False when there is none of that id."""

    def names(self) -> Names:
        """What the platform calls things in Redis."""

    def close(self) -> None:
        """Gives the connections back."""
