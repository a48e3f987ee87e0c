"""Questions: what makes two of them the same, what makes them alike, and which may be answered from the cache at all.

Whatever is not known to leave an answer as it is, shapes it: a field that the API gets tomorrow tells questions apart.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOT_SHAPING = frozenset({
    "stream", "stream_options", "user", "metadata", "store", "safety_identifier",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
})  # fmt: skip
# Words without which a question is the same. All others, and their order, have to agree before vectors are compared:
# to a vector "from Rome to Oslo" is "from Oslo to Rome", and 100 is 1000.
ARTICLES = frozenset({"the", "a", "an"})
COURTESY = re.compile(r"(^|,?\s+)(please|kindly)\b,?", re.IGNORECASE)
CONTRACTIONS = (
    (re.compile(r"\bcan't\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(what|where|who|how|that|it|there|here)'s\b"), r"\1 is"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"\bI'm\b"), "I am"),
)


@dataclass(frozen=True)
class Question:
    """What `tenant` asks: the request's `fields`. The tenant is who holds the `key`, whatever else a caller says."""

    key: str
    fields: Mapping[str, Any]
    documents: tuple[str, ...]  # on which the answer rests
    no_store: bool = False
    kept_will_do: bool = False  # whatever the fields ask for

    @property
    def tenant(self) -> str:
        """The tenant's name in the cache, from which the key cannot be told."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]

    @property
    def stream(self) -> bool:
        """Whether the answer is asked for in pieces."""
        return self.fields.get("stream") is True

    @property
    def with_usage(self) -> bool:
        """Whether a stream is to end with what it cost."""
        options = self.fields.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def keepable(self) -> bool:
        """Whether one answer is as good as another: nobody asked for a new one each time, as by a temperature."""
        return not self.no_store and (self.kept_will_do or self.fields.get("temperature") == 0)

    @property
    def shape(self) -> dict[str, Any]:
        """All that shapes the answer."""
        return {name: value for name, value in self.fields.items() if name not in NOT_SHAPING}

    @property
    def text(self) -> str | None:
        """What the user said last, in words; None where the last message is another."""
        messages = self.fields.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else None
        if not isinstance(last, dict) or last.get("role") != "user" or not isinstance(last.get("content"), str):
            return None
        return str(last["content"])

    @property
    def kindred(self) -> dict[str, Any] | None:
        """What questions that may be alike have in common: all but articles and courtesies of the last words."""
        if self.text is None:
            return None
        *before, last = self.fields["messages"]
        return self.shape | {"messages": [*before, last | {"content": telling_words(self.text)}]}


def telling_words(text: str) -> list[str]:
    """The words of `text` that decide what is asked, in their order; capital letters count, but for the first."""
    text = COURTESY.sub(" ", " ".join(text.split()).replace("’", "'")).strip().rstrip(" .?!")
    text = text[:1].lower() + text[1:]
    for contraction, whole in CONTRACTIONS:
        text = contraction.sub(whole, text)
    return [word for word in text.split() if word not in ARTICLES]


def digest(value: Any) -> str:
    """A name for `value`, the same in whatever order its members stand."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
