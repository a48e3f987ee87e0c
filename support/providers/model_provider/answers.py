"""Answers of a model: what they say, how one is told whole or in pieces, and what was scripted instead.

An answer says of itself which question it was made for, whom, and by which call, so that nobody needs to understand a
question to see that it got the answer to another one.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..meter import Arrival

WORDS = 16  # of an answer, unless it is scripted to have more
LAST = "end"  # the last word of an answer that is whole


@dataclass
class Scripted:
    """What requests that `match` are answered, `times` in all or, without, until it is taken back.

    `content` takes the place of the answer's words. `ends` says how: "cut" leaves a stream after `pieces` as if it
    were whole, "error" lets an error follow these, "broken" is no JSON.
    """

    match: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    words: int = WORDS
    content: str | None = None
    finish: Literal["stop", "length", "tool_calls", "content_filter"] = "stop"
    refusal: str | None = None
    tool: str | None = None
    ends: Literal["well", "cut", "error", "broken"] = "well"
    pieces: int = 0
    used: int = 0

    def meets(self, arrival: Arrival) -> bool:
        """Whether it is for this request, which counts then."""
        if (self.times is not None and self.used >= self.times) or not arrival.matches(self.match):
            return False
        self.used += 1
        return True


@dataclass(frozen=True)
class Answer:
    """An answer to the request `arrival`, `n` times."""

    arrival: Arrival
    script: Scripted
    n: int
    prompt_tokens: int
    cached_tokens: int
    limit: int | None  # of tokens, as the caller said

    @property
    def words(self) -> list[str]:
        """Its words, each a token."""
        if (content := self.script.content) is not None:
            return content.split() or [content][: len(content)]  # nothing but blanks is a word of its own
        told = self.arrival.fields
        said = f"answer {told['fp']} for {told['alias']} by {told['model']}, call {self.arrival.seq}".split()
        whole = said + ["word"] * (self.script.words - len(said) - 1) + [LAST]
        return whole[: self.limit] if self.limit else whole

    @property
    def finish(self) -> str:
        """Why it ends."""
        cut_short = self.limit is not None and self.script.content is None and self.words[-1:] != [LAST]
        return "length" if cut_short else self.script.finish

    def usage(self) -> dict[str, Any]:
        """The tokens that are paid for."""
        said = len(self.words) * self.n
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": said,
            "total_tokens": self.prompt_tokens + said,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    def whole(self) -> dict[str, Any]:
        """The object chat.completion."""
        words = None if self.script.refusal else " ".join(self.words)
        message: dict[str, Any] = {"role": "assistant", "content": words, "refusal": self.script.refusal}
        if self.script.tool:
            message |= {"content": None, "tool_calls": [{"id": "call_1", **self._tool()}]}
        choices = [
            {"index": i, "message": message, "finish_reason": self.finish, "logprobs": None} for i in range(self.n)
        ]
        return self._head("chat.completion") | {"choices": choices, "usage": self.usage()}

    def pieces(self) -> Iterator[dict[str, Any]]:
        """The objects chat.completion.chunk, but for that of usage; a word in each, but for the first and the last."""
        head = self._head("chat.completion.chunk")
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if self.script.tool:
            deltas.append({"tool_calls": [{"index": 0, "id": "call_1", **self._tool()}]})
        elif self.script.refusal:
            deltas.append({"refusal": self.script.refusal})
        else:
            deltas += [{"content": word if not i else f" {word}"} for i, word in enumerate(self.words)]
        for delta, finish in [*((delta, None) for delta in deltas), ({}, self.finish)]:
            choices = [{"index": i, "delta": delta, "finish_reason": finish, "logprobs": None} for i in range(self.n)]
            yield head | {"choices": choices}

    def last_piece(self) -> dict[str, Any]:
        """The chunk that tells the usage."""
        return self._head("chat.completion.chunk") | {"choices": [], "usage": self.usage()}

    def _tool(self) -> dict[str, Any]:
        return {"type": "function", "function": {"name": self.script.tool, "arguments": "{}"}}

    def _head(self, kind: str) -> dict[str, Any]:
        told = {"id": f"chatcmpl-{self.arrival.seq}", "object": kind, "created": int(time.time())}
        return told | {"model": self.arrival.fields["model"], "system_fingerprint": "fp_stand_in"}
