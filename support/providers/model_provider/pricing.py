"""What calls cost: tokens by a published function, whole millionths of a dollar for each, a discount on known prompts.

The functions are simpler than those of any real provider, so that a bill can be checked with a pencil.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_CACHED_FROM, _CACHED_STEP = 64, 16  # tokens; real providers begin far higher
_BYTES = 4  # of a token


class Price(NamedTuple):
    """Millionths of a dollar for a token of the prompt, of a prompt that is known, and of the answer."""

    input: int
    cached: int
    output: int


MODELS: Mapping[str, Price] = {"small": Price(2, 1, 8), "large": Price(10, 5, 40)}
EMBEDDERS: Mapping[str, int] = {"embed-a": 256, "embed-b": 64}  # a model's dimensions; a token costs 1


class Bill(NamedTuple):
    """The tokens of one prompt, how many of them were known, and what the call costs without its answer."""

    prompt_tokens: int
    cached_tokens: int
    cost: int


class Prompts:
    """The prompts that are known: a caller who begins as before pays less for the beginning."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def bill(self, caller: str, asked: Mapping[str, Any]) -> Bill:
        """What it costs `caller` to ask, and from now on the prompt is known."""
        text = "\n".join(words_of(message) for message in asked["messages"])
        tokens = tokens_of(asked)
        price, whose = MODELS[asked["model"]], f"{caller} {asked['model']} {asked.get('prompt_cache_key')}"
        beginnings = {
            count: hashlib.sha256(f"{whose} {text[: count * _BYTES]}".encode()).hexdigest()
            for count in range(_CACHED_FROM, min(tokens, len(text) // _BYTES) + 1, _CACHED_STEP)
        }
        cached = max((count for count, known in beginnings.items() if known in self._known), default=0)
        self._known.update(beginnings.values())
        return Bill(tokens, cached, (tokens - cached) * price.input + cached * price.cached)

    def forget(self) -> None:
        """No prompt is known."""
        self._known.clear()


def tokens_of(asked: Mapping[str, Any]) -> int:
    """A token for every 4 bytes of a message, 4 for each message, and those of the tools."""
    messages = sum(_tokens(words_of(message)) + 4 for message in asked["messages"])
    return messages + (_tokens(json.dumps(asked["tools"])) if asked.get("tools") else 0)


def tokens_of_texts(texts: Sequence[str]) -> int:
    """The tokens of texts of which vectors are made."""
    return sum(map(_tokens, texts))


def words_of(message: Any) -> str:
    """The text of one message, whose content may come in parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tokens(text: str) -> int:
    return math.ceil(len(text.encode()) / _BYTES)
