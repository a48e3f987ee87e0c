"""Outcomes that are missing, because a node died or an answer was lost, are asked for again by any node."""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import LiteralString

import psycopg
from psycopg_pool import PoolTimeout

from .gateway import NotThereError, UnknownOutcomeError
from .payments import Payments, Pool
from .subscriptions import Subscriptions

# Keys are known to the provider for 24 hours; what is older is for reconciliation to find, not to be asked for anew.
_KEYS_LAST = "23 hours"
_AT_ONCE = 20
logger = logging.getLogger(__name__)


class Recovery:
    """Runs from `run` until `stop`."""

    def __init__(self, pool: Pool, payments: Payments, subscriptions: Subscriptions, after_s: float) -> None:
        self._pool, self._payments, self._subscriptions, self._after_s = pool, payments, subscriptions, after_s
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Looks for what is older than `after_s` and has no outcome, as often as that."""
        while not self._stopping.is_set():
            await _tried(self._resume())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._after_s)

    def stop(self) -> None:
        """Ends `run` after what it has in hand."""
        self._stopping.set()

    async def _resume(self) -> None:
        for payment in await self._left("SELECT id FROM payments"):
            await _tried(self._payments.resume(payment["id"]))
        for refund in await self._left("SELECT id FROM refunds"):
            await _tried(self._payments.resume_refund(refund["id"]))
        for subscription in await self._left("SELECT * FROM subscriptions"):
            await _tried(self._subscriptions.resume(subscription))

    async def _left(self, query: LiteralString) -> list[psycopg.rows.DictRow]:
        # In no order: what stays without an outcome keeps nothing else from its turn.
        without_outcome: LiteralString = (
            " WHERE status = 'requested' AND created_at < now() - make_interval(secs => %s)"
            " AND created_at > now() - %s::interval ORDER BY random() LIMIT %s"
        )
        async with self._pool.connection() as connection:
            found = await connection.execute(query + without_outcome, [self._after_s, _KEYS_LAST, _AT_ONCE])
            return await found.fetchall()


async def _tried(what: Awaitable[object]) -> None:
    """What cannot be done now keeps nothing else from being done, and has its turn again."""
    try:
        await what
    except (psycopg.Error, PoolTimeout, UnknownOutcomeError, NotThereError) as error:
        logger.warning("nothing recovered: %s", type(error).__name__)
