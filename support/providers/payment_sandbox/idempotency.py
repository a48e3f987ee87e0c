"""Idempotency keys: a request that is sent again is answered again, and not carried out again.

Source: docs.stripe.com/api/idempotent_requests. Who calls is seen to here too, because keys belong to callers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..meter import Arrival
from ..visit import VISIT
from .errors import INVALID, ApiError, invalid
from .parameters import decode

# What came out of a request that was carried out; one that was refused before leaves its key free.
_KEPT = (200, 402, 500)
_LONGEST = 255


@dataclass
class Record:
    """What a key was used for, and what came of it; no status while that is in flight."""

    request: tuple[str, str, Any]
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class Idempotency:
    """Stands before everything that may change something; answers what is known, and lets in what is new."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._records: dict[tuple[str, str], Record] = {}

    def expire(self, key: str | None = None) -> None:
        """Forgets the key, or all of them, as happens 24 h after it was used first."""
        for caller, known in list(self._records):
            if key in (None, known):
                del self._records[caller, known]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        arrival: Arrival = scope[VISIT].arrival
        try:
            caller, key = _caller(arrival), arrival.header("idempotency-key")
            record = self._known(caller, key, arrival) if key and arrival.method == "POST" else None
        except ApiError as error:
            await answer(arrival, error.body, error.status)(scope, receive, send)
            return
        if record is None:
            await self._app(scope, receive, send)
        elif record.status is not None:
            arrival.fields["replayed"] = True
            await _replay(record)(scope, receive, send)
        else:
            await self._carry_out(record, (caller, key), scope, receive, send)

    def _known(self, caller: str, key: str, arrival: Arrival) -> Record:
        """The record of a key, made now if it is new. Raises ApiError for one in flight, or of another request."""
        if len(key) > _LONGEST:
            raise invalid(f"Idempotency keys have at most {_LONGEST} characters")
        request = (arrival.method, arrival.path, arrival.fields["parameters"])
        record = self._records.get((caller, key))
        if record is None:
            self._records[caller, key] = record = Record(request)
            return record
        if record.status is None:
            message = f"There is another request in progress with the idempotency key '{key}'."
            raise ApiError(409, INVALID, message, "idempotency_key_in_use")
        if record.request != request:
            message = f"The idempotency key '{key}' was used before, with other parameters."
            raise ApiError(400, "idempotency_error", message)
        return record

    async def _carry_out(
        self, record: Record, key: tuple[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Lets the request in, and keeps what came of it before anybody is told: on its way the answer may be lost."""
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)
            if message["type"] != "http.response.body" or message.get("more_body"):
                return
            record.headers, record.body = list(said[0]["headers"]), b"".join(part.get("body", b"") for part in said)
            record.status = said[0]["status"]
            if record.status not in _KEPT:
                self._drop(key, record)
            for part in said:
                await send(part)

        try:
            await self._app(scope, receive, keep)
        finally:
            if record.status is None:
                self._drop(key, record)

    def _drop(self, key: tuple[str, str], record: Record) -> None:
        if self._records.get(key) is record:
            del self._records[key]


def answer(arrival: Arrival, body: Mapping[str, Any], status: int = 200) -> Response:
    """An answer in the API's form."""
    headers = {"Request-Id": arrival.fields["request"]}
    if key := arrival.header("idempotency-key"):
        headers["Idempotency-Key"] = key
    return Response(json.dumps(body, indent=2), status, headers, "application/json")


def parameters(arrival: Arrival) -> dict[str, Any]:
    """The parameters of a request: of its form, or of its address where it has no body."""
    text = arrival.body.decode("utf-8", "replace") or arrival.query
    return decode(parse_qsl(text, keep_blank_values=True))


def _caller(arrival: Arrival) -> str:
    scheme, _, key = arrival.header("authorization").partition(" ")
    if scheme != "Bearer" or not key:
        raise ApiError(401, INVALID, "You did not provide an API key.")
    return key


def _replay(record: Record) -> Response:
    response = Response(record.body, record.status or 200)
    response.raw_headers = [*record.headers, (b"idempotent-replayed", b"true")]
    return response
