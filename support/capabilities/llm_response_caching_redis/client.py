"""Customers of language models behind a gateway: they ask, whole or in pieces, and may let what was kept be forgotten.

A customer is known by a key that the provider knows, too: it is sk- and the customer's name, and the gateway asks the
provider by it. What is asked is named as the provider's own API names it (OpenAI's chat completions).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol


class Outcome(Enum):
    """What became of a question."""

    ANSWERED = auto()
    BROKEN_OFF = auto()  # what came is not all of it, and that can be seen
    REFUSED = auto()  # as it is, it will never be answered
    UNAUTHENTICATED = auto()
    FAILED = auto()  # the provider did not answer, or nothing that makes sense
    LIMITED = auto()  # to be asked again later


@dataclass(frozen=True)
class Question:
    """The messages, and the further `fields` of a request in the order in which they are sent.

    `documents` are what the answer rests on. With `no_store` the question asks not to be kept; with `kept_will_do` it
    says that a kept answer will do, whatever its fields ask for. `pretending` to be another customer is done in every
    way that needs no key.
    """

    messages: Sequence[Mapping[str, Any]]
    model: str = "small"
    fields: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0})
    documents: Sequence[str] = ()
    no_store: bool = False
    kept_will_do: bool = False
    pretending: str = ""

    @property
    def text(self) -> str:
        """What was said last."""
        return str(self.messages[-1]["content"]) if self.messages else ""


@dataclass(frozen=True)
class Answer:
    """What came of it: all words; the objects that it came in, as the API has them (one, where it came whole)."""

    outcome: Outcome
    text: str = ""
    parts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Figures:
    """What a gateway says that a customer has paid for and saved, since it started: tokens, vectors' included."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    saved_tokens: int


class Stream(Protocol):
    """An answer that comes in pieces, to somebody who reads them slowly."""

    def hears(self, within_s: float) -> bool:
        """Whether a piece of it comes within so many seconds."""

    def hang_up(self) -> None:
        """Does not wait for the rest."""


class Adapter(Protocol):
    """One gateway. AssertionError for an answer that is none of these outcomes."""

    name: str

    def ask(self, customer: str, question: Question) -> Answer:
        """The answer, whole."""

    def stream(self, customer: str, question: Question, with_usage: bool | None = None) -> Answer:
        """The answer in pieces, read to its end; the last tells what it cost, if that is wanted (None: not said)."""

    def begin(self, customer: str, question: Question) -> Stream:
        """The same, with nothing read yet."""

    def forget_document(self, customer: str, document: str) -> bool:
        """The document has changed: no answer of `customer` that rests on it is given any more.

        False when the gateway says that it cannot see to that now.
        """

    def forget_model(self, customer: str, model: str) -> bool:
        """The model has changed: no answer of `customer` by it is given any more; False as above."""

    def figures(self, customer: str) -> Figures:
        """What this gateway counted for `customer`."""

    def close(self) -> None:
        """Gives the connections back."""
