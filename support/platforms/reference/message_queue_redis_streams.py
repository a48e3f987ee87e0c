"""The queue of the reference platform: its routes, its statuses, what its messages are like, its keys in Redis."""

import base64
import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

from support.capabilities.message_queue_redis_streams.client import Answer, DeadLetter, Kind, Names
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken, must

_AT_ONCE = 30
_ANSWERS = {202: Answer.ACCEPTED, 400: Answer.INVALID, 413: Answer.TOO_LARGE, 503: Answer.UNAVAILABLE}
_DEEP = 10_000
_PIECE = 20_000
# What of a receipt is another; None where it is left out.
_OTHER: dict[Kind, dict[str, Any]] = {
    Kind.NO_NUMBER: {"amount": math.nan},
    Kind.UNKNOWN_TYPE: {"type": "telegram"},
    Kind.TYPE_MISSING: {"type": None},
    Kind.FIELD_MISSING: {"to": None},
    Kind.FIELD_EMPTY: {"to": ""},
    Kind.FIELD_OF_ANOTHER_KIND: {"to": ["somebody"]},
    Kind.FIELD_NO_TEXT: {"to": "\ud800"},
}


class Adapter(NodeClient):
    """One node, as producers and operators know it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)

    def payload(self, kind: Kind, label: str, text: str = "") -> bytes:
        """A receipt is JSON, and says to whom it goes."""
        receipt: dict[str, Any] = {"type": "receipt", "to": label, "text": text}
        match kind:
            case Kind.NO_JSON:
                return f'{{"type": "receipt", "to": {label}'.encode()
            case Kind.NO_TEXT:
                return json.dumps(receipt | {"text": "*"}).encode().replace(b"*", b"\xff\xfe\x80\xed\xa0\x80")
            case Kind.NO_OBJECT:
                return json.dumps([receipt]).encode()
            case Kind.NULL:
                return b"null"
            case Kind.NOTHING:
                return b""
            case Kind.TOO_DEEP:
                return b"[" * _DEEP + b"]" * _DEEP
        receipt |= _OTHER.get(kind, {})
        said = {name: value for name, value in receipt.items() if value is not None}
        return json.dumps(said, ensure_ascii=kind is Kind.FIELD_NO_TEXT).encode()

    def publish(self, key: str, message_id: str, payload: bytes) -> Answer:
        """POST, with the payload as it is."""
        return self._post(key, message_id, payload)

    def publish_in_pieces(self, key: str, message_id: str, payload: bytes) -> Answer:
        """The same, chunked: no Content-Length says how large it is."""
        return self._post(key, message_id, (payload[at : at + _PIECE] for at in range(0, len(payload), _PIECE)))

    def unfinished(self) -> int:
        """The count of what is not done."""
        answer = self.ask("GET", "/queue/unfinished")
        return int(self.expect(answer, 200, "unfinished")["unfinished"])

    def dead_letters(self) -> list[DeadLetter]:
        """The list, whose payloads are in base64."""
        return [
            DeadLetter(row["id"], row["key"], base64.b64decode(row["payload"]), row["deliveries"], row["error"])
            for row in self._rows()
        ]

    def redrive(self, message_id: str) -> bool:
        """By the entry that the list names."""
        entry = next((row["entry"] for row in self._rows() if row["id"] == message_id), "0-0")
        answer = self.ask("POST", f"/queue/dead-letters/{entry}/redrive")
        must(answer.status_code in (202, 404), f"{self.name} answered a redrive by {answer.status_code}: {answer.text}")
        return answer.status_code == 202

    def names(self) -> Names:
        """The keys of scripts.py."""
        return Names("queue:ready", "workers", "queue:dead")

    def _post(self, key: str, message_id: str, payload: bytes | Iterator[bytes]) -> Answer:
        headers = {"Idempotency-Key": message_id, "Content-Type": "application/octet-stream"}
        answer = self.ask("POST", f"/queue/messages?key={quote(key)}", payload, headers=headers)
        if answer.status_code not in _ANSWERS:
            broken(f"{self.name} answered a message by {answer.status_code}: {answer.text}")
        return _ANSWERS[answer.status_code]

    def _rows(self) -> list[dict[str, Any]]:
        answer: requests.Response = self.ask("GET", "/queue/dead-letters")
        rows: list[dict[str, Any]] = self.expect(answer, 200, "dead_letters")["dead_letters"]
        return rows
