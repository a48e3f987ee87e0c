"""Answers, whole or in pieces: which are complete enough to be given again, and how one form becomes the other."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Object = dict[str, Any]  # as the API renders it


@dataclass(frozen=True)
class Entry:
    """A complete answer: the object chat.completion, and its pieces, the one with the usage last."""

    whole: Object
    pieces: list[Object]

    @classmethod
    def of_whole(cls, whole: Object) -> "Entry | None":
        """An entry of an answer that came whole; None when it is not one to be given again."""
        return cls(whole, _pieces_of(whole)) if is_complete(whole) else None

    @classmethod
    def of_pieces(cls, pieces: list[Object]) -> "Entry | None":
        """An entry of an answer that came in pieces; None when they are not all of it, or not to be given again."""
        whole = _whole_of(pieces)
        return cls(whole, pieces) if whole and is_complete(whole) else None

    @classmethod
    def parse(cls, text: str) -> "Entry | None":
        """What `text` was made of; None for anything else, such as half of it."""
        try:
            entry = cls(**json.loads(text))
        except (ValueError, TypeError):
            return None
        return entry if isinstance(entry.pieces, list) and is_complete(entry.whole) else None

    def text(self) -> str:
        """The entry as it is kept."""
        return json.dumps(asdict(self), separators=(",", ":"))


def is_complete(whole: Mapping[str, Any]) -> bool:
    """Whether every choice came to its own end, and is plain words: not cut short, filtered, refused, or a tool's."""
    try:
        return bool(whole["choices"]) and all(map(_is_plain, whole["choices"]))
    except (LookupError, TypeError, AttributeError):
        return False


def _is_plain(choice: Mapping[str, Any]) -> bool:
    message = choice["message"]
    others = ("refusal", "tool_calls", "function_call", "audio")
    words = message.get("content")
    return (
        choice["finish_reason"] == "stop"
        and isinstance(words, str)
        and bool(words.strip())
        and not any(message.get(name) for name in others)
        and not choice.get("logprobs")
    )


def _whole_of(pieces: list[Object]) -> Object | None:
    """The whole of a stream; None where a piece has more than words, or a choice has no end."""
    choices: dict[int, Object] = {}
    usage = None
    for piece in pieces:
        usage = piece.get("usage") or usage
        for part in piece["choices"]:
            choice = choices.setdefault(part["index"], {"words": [], "finish_reason": None})
            delta = {name: value for name, value in part["delta"].items() if value}
            if part.get("logprobs") or set(delta) - {"role", "content"}:
                return None
            choice["words"].append(delta.get("content", ""))
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
    if not pieces or not usage:
        return None
    told = [
        {
            "index": index,
            "message": {"role": "assistant", "content": "".join(choice["words"]), "refusal": None},
            "finish_reason": choice["finish_reason"],
            "logprobs": None,
        }
        for index, choice in sorted(choices.items())
    ]
    head = {name: value for name, value in pieces[0].items() if name not in ("choices", "usage", "object")}
    return head | {"object": "chat.completion", "choices": told, "usage": usage}


def _pieces_of(whole: Object) -> list[Object]:
    head = {name: value for name, value in whole.items() if name not in ("choices", "usage", "object")}
    head["object"] = "chat.completion.chunk"
    deltas: list[Object] = []
    for choice in whole["choices"]:
        for delta, finish in (
            ({"role": "assistant", "content": ""}, None),
            ({"content": choice["message"]["content"]}, None),
            ({}, "stop"),
        ):
            deltas.append({"index": choice["index"], "delta": delta, "finish_reason": finish, "logprobs": None})
    return [*(head | {"choices": [delta]} for delta in deltas), head | {"choices": [], "usage": whole.get("usage")}]
