"""Events of the provider: each is verified, and taken once, with what it leads to or not at all.

An event says only that something has happened to a payment or a subscription. How that is now is looked up, so events
may come late, in any order, or be of a shape that the next version has changed.
"""

import time
from collections.abc import Sequence
from typing import Any

import stripe

from ..json_text import parse_json
from .gateway import NotThereError
from .payments import Payments, Pool
from .subscriptions import Subscriptions

TOLERANCE_S = 300


class ForgedError(Exception):
    """Nobody who knows the secret has sent this, or not now."""


class MalformedError(Exception):
    """It is signed, and no event."""


class Webhooks:
    """Raises psycopg.Error, PoolTimeout and UnknownOutcomeError when an event cannot be taken now."""

    def __init__(
        self, pool: Pool, payments: Payments, subscriptions: Subscriptions, secrets: Sequence[str], live: bool
    ) -> None:
        self._pool, self._payments, self._subscriptions = pool, payments, subscriptions
        self._secrets, self._live = secrets, live

    async def take(self, body: bytes, signature: str) -> None:
        """Takes an event, if it is new. Raises ForgedError and MalformedError."""
        verify(body, signature, self._secrets)
        event = _event(body)
        if event["livemode"] is not self._live:
            return
        async with self._pool.connection() as connection:
            # Another delivery of the same event waits here, until this one is committed or has come to nothing.
            new = await connection.execute(
                "INSERT INTO inbox (event, type) VALUES (%s, %s) ON CONFLICT DO NOTHING", [event["id"], event["type"]]
            )
            if new.rowcount:
                await self._apply(connection, event["data"]["object"])

    async def _apply(self, connection: Any, about: dict[str, Any]) -> None:
        try:
            match about:
                case {"object": "payment_intent", "id": str(intent)} | {"payment_intent": str(intent)}:
                    await self._payments.settle(connection, intent)
                case {"object": "subscription", "id": str(subscription)} | {
                    "parent": {"subscription_details": {"subscription": str(subscription)}}
                }:
                    await self._subscriptions.settle(connection, subscription)
        except NotThereError:
            return  # of another account, or a test; there is nothing to be done about it


def verify(body: bytes, signature: str, secrets: Sequence[str]) -> None:
    """Raises ForgedError unless one of `secrets` has signed `body` in the last five minutes.

    The SDK lets the future pass, and does not expect other letters than ASCII's (docs.stripe.com/webhooks/signature).
    """
    moment = next((part[2:] for part in signature.split(",") if part.startswith("t=")), "")
    if not signature.isascii() or not moment.isdecimal() or int(moment) > time.time() + TOLERANCE_S:
        raise ForgedError
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, secret, TOLERANCE_S)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return
    raise ForgedError


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = parse_json(body.decode())
    except ValueError as error:
        raise MalformedError from error
    match event:
        case {"id": str(), "type": str(), "livemode": bool(), "data": {"object": dict()}}:
            return dict(event)
    raise MalformedError
