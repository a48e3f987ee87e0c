"""Customers who sign in: a password for a session, a short-lived access token and a refresh token for the next ones."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol


class Verdict(Enum):
    """What became of a request."""

    ACCEPTED = auto()
    UNAUTHENTICATED = auto()  # whoever hears this throws the tokens away, and signs in again
    INVALID = auto()  # as it is, it will never be understood
    UNAVAILABLE = auto()  # to be asked again later


class Event(Enum):
    """What an account's history tells of a sign-in, or of a danger."""

    SIGNED_IN = auto()
    REFRESH_TOKEN_REUSED = auto()
    PASSWORD_CHANGED = auto()
    ENDED_BY_SUPPORT = auto()


@dataclass(frozen=True)
class Tokens:
    """What a customer's device has to prove itself by. `access` is a JSON Web Token that the identity provider signed.

    `lifetime_s`: for how long the access token is good, as the node said. Tokens are never shown.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    lifetime_s: float


class Line(Protocol):
    """A live connection of a customer, over which a node may send whatever it likes."""

    def ended(self, within_s: float) -> bool:
        """Whether the node ends it within so many seconds, or has done so."""

    def close(self) -> None:
        """Gives it up."""


@dataclass(frozen=True)
class Answer:
    """What a node said. `user` is who it takes the caller for; `said` are the very words, for a comparison."""

    verdict: Verdict
    tokens: Tokens | None = None
    user: str = ""
    said: str = ""
    events: tuple[Event, ...] = ()
    line: Line | None = None


class Adapter(Protocol):
    """One node. Each method that returns an Answer raises AssertionError for one that is none of these."""

    name: str
    role: str
    session_keys: str  # a pattern of Redis (KEYS) that fits all that is kept of sessions, and no account
    secrets: list[str]  # what the node was told and nobody may read, but for that of the identity provider
    support_key: str  # what support proves itself by, and nobody else can

    def register(self, name: str, password: str) -> Answer:
        """A new account; INVALID where there is one by that name."""

    def sign_in(self, name: object, password: object, shown: str = "") -> Answer:
        """Begins a session. Values that are no texts are sent as they are; None is left out.

        `shown` is an access token that the device still has, and shows as it would with a call.
        """

    def call(self, access: str, scheme: str = "Bearer") -> Answer:
        """Asks for something that only customers may, with the access token; it counts as a use of the session."""

    def call_without_token(self) -> Answer:
        """The same, with no token at all."""

    def call_with_two(self, access: str) -> Answer:
        """The same, with the access token twice, each time in a place where one is looked for."""

    def refresh(self, refresh: str) -> Answer:
        """Exchanges a refresh token for the next tokens."""

    def sign_out(self, access: str) -> Answer:
        """Ends the session of the access token."""

    def change_password(self, access: str, old: str, new: str) -> Answer:
        """Changes the password, which ends all sessions of the customer."""

    def expel(self, name: str, key: str | None = None) -> Answer:
        """Support ends all sessions of a customer; with `key`, somebody tries who shows that, or nothing if empty."""

    def stay(self, access: str) -> Answer:
        """Opens a live connection with the access token; whoever gets one closes it."""

    def events(self, access: str) -> Answer:
        """What the account's history tells of these kinds, the oldest first."""

    def close(self) -> None:
        """Gives the connections back."""
