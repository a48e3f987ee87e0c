"""What users, backends and operators can do with live updates; how a platform is asked for it is its adapter's own.

An adapter tells outcomes in these words. What the platform should not have answered is an AssertionError with the
exchange.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol, TypeAlias

from websocket import WebSocket, WebSocketException

MAY_RAISE = (WebSocketException, OSError)  # a request that cannot be sent, because the connection is gone

Session: TypeAlias = str
"""A session as the platform's users carry it, such as a token. What is in it is the platform's own."""


class Signature(Enum):
    """Who has signed a session: our identity provider, somebody else, or nobody."""

    OURS = auto()
    FOREIGN = auto()
    NONE = auto()


@dataclass(frozen=True)
class Grant:
    """What a session allows: `user` may watch and write to `channels`, until `expires` (seconds since 1970).

    None: it never expires. A channel's name is any text; blanks, colons, slashes, * ? [ ] % and letters beyond ASCII
    are in use.
    """

    user: str
    channels: tuple[str, ...]
    expires: int | None
    signature: Signature = Signature.OURS


class Position(NamedTuple):
    """A place in the history of a channel: which history that is, and how many updates it had then."""

    epoch: str
    offset: int


class Refusal(Enum):
    """Why something was not done."""

    UNAUTHENTICATED = "there is no valid session"
    FORBIDDEN = "the session is not allowed to"
    FOREIGN_SITE = "the page is of a foreign site"
    UNAVAILABLE = "the platform cannot do it now, or cannot know whether it did"


class Ending(Enum):
    """Why a connection was closed."""

    LEAVING = "the gateway ends, and its users are to go to another"
    NOT_ALLOWED = "the session is over"
    TOO_SLOW = "the user reads too slowly"
    COME_BACK = "the platform's own client library would connect again"
    OTHER = "for another reason"
    LOST = "without a word"


# What a user is told over a connection. `channel` is whose channel it is about.


class Update(NamedTuple):
    """A change, at its place in the channel; `data` as it was published."""

    channel: str
    position: Position
    data: Any


class Gap(NamedTuple):
    """Updates of the channel up to `position` may be lost to this user."""

    channel: str
    position: Position


class Joined(NamedTuple):
    """The user watches the channel from `position` on, and is given what was `missed`.

    `recovered`: whether nothing is lost since the position that the user named; None where none was named.
    """

    channel: str
    position: Position
    recovered: bool | None
    missed: tuple[Update, ...]


class Left(NamedTuple):
    """The user watches the channel no more, as asked for."""

    channel: str


class Taken(NamedTuple):
    """An update of the user's own is published."""

    channel: str


class Refused(NamedTuple):
    """A request about the channel was not done."""

    channel: str
    why: Refusal


class Strange(NamedTuple):
    """Something that the platform's protocol does not know."""

    text: str


Answer: TypeAlias = Joined | Left | Taken | Refused
Event: TypeAlias = Update | Gap | Answer | Strange


@dataclass(frozen=True)
class Counts:
    """What a gateway says that it holds; None where the platform does not say."""

    connections: int | None = None
    subscriptions: int | None = None
    tasks: int | None = None


class Line(Protocol):
    """One connection of a user. The suite owns `socket` and reads it; the line says what passes over it.

    Requests are made one at a time; the answer is the next one about the channel that `take` finds. What a client
    library of the platform does by itself (answer a heartbeat, subscribe again) belongs in here.
    """

    socket: WebSocket

    def watch(self, channel: str, after: Position | None) -> None:
        """Asks to watch `channel`, with the updates after that position; answered by Joined or Refused."""

    def leave(self, channel: str) -> None:
        """Asks to watch `channel` no more; answered by Left."""

    def publish(self, channel: str, data: Any) -> None:
        """Asks to publish `data`, which is JSON; answered by Taken or Refused."""

    def take(self, frame: bytes) -> Iterable[Event]:
        """What a data frame says: any number of events. Called for every frame, in their order."""

    def ending(self, code: int | None) -> Ending:
        """What the platform's close frame with this code means; None where it has none."""


class Adapter(Protocol):
    """One gateway."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def session(self, grant: Grant) -> Session:
        """A session as the platform's identity provider would have issued it; the gateway is not asked."""

    # Users

    def enter(self, session: Session | None, site: str | None = None) -> Line | Refusal:
        """A user connects: with a program, or with a browser on a page of `site` (such as https://a.example)."""

    def write(self, session: Session | None, channel: str, data: Any) -> Refusal | None:
        """A user publishes `data` without a connection that is open already."""

    def look(self, session: Session | None, channel: str) -> Refusal | None:
        """A user asks who watches `channel`."""

    def end_session(self, session: Session) -> Refusal | None:
        """A user logs out."""

    # A backend of the business, and its operators

    def publish(self, channel: str, data: Any) -> Position | Refusal:
        """Publishes `data`, which is JSON; its place in the channel."""

    def present(self, channel: str) -> dict[str, int]:
        """Who watches `channel`, over all gateways: user -> number of connections."""

    def counts(self) -> Counts:
        """What this gateway says that it holds."""

    def close(self) -> None:
        """Gives the adapter's own connections back."""
