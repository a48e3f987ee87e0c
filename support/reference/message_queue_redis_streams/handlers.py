"""What is done about a message, by its type."""

import logging
from typing import Any
from urllib.parse import quote

import httpx2

from ..json_text import parse_json
from .queue import Job
from .worker import HopelessError, TransientError

TIMEOUT_S = 30.0
logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each message is too many
_AGAIN = (408, 425, 429)  # the client errors that are none of the message's own


class Handlers:
    """Receipts that are sent by another service, which does the same request once, however often it hears it."""

    def __init__(self, upstream_url: str) -> None:
        self._upstream = httpx2.AsyncClient(base_url=upstream_url, timeout=TIMEOUT_S)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._upstream.aclose()

    async def handle(self, job: Job) -> None:
        """Does what the message asks for. Raises TransientError and HopelessError."""
        message = _read(job.payload)
        if message["type"] != "receipt":
            raise HopelessError(f"no handler for messages of type {message['type']!r}")
        await self._send_receipt(job, message)

    async def _send_receipt(self, job: Job, message: dict[str, Any]) -> None:
        path = f"/effects/{_name(message.get('to'))}"
        try:
            answer = await self._upstream.post(path, content=job.payload, headers={"Idempotency-Key": job.id})
        except httpx2.HTTPError as error:
            raise TransientError(f"no answer: {type(error).__name__}") from error
        if answer.status_code in _AGAIN or answer.status_code >= 500:
            raise TransientError(f"answered by {answer.status_code}")
        if not answer.is_success:
            raise HopelessError(f"refused by {answer.status_code}")


def _name(to: object) -> str:
    """As a part of a path, whatever it holds."""
    if not (isinstance(to, str) and to):
        raise HopelessError("a receipt needs somebody it is sent to")
    try:
        return quote(to, safe="")
    except UnicodeEncodeError as error:
        raise HopelessError("a receipt needs somebody whose name is text") from error


def _read(payload: bytes) -> dict[str, Any]:
    try:
        message = parse_json(payload.decode())
    except ValueError as error:
        raise HopelessError("the payload is no JSON") from error
    if not (isinstance(message, dict) and isinstance(message.get("type"), str)):
        raise HopelessError("the message has no type")
    return message
