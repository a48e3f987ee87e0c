"""Reconciliation: our payments are held against the provider's, and each difference is kept for somebody to look into.

What is merely late, because an event was lost, is settled and is no difference; nor is what has no outcome yet.
What subscribers pay is the provider's to ask for: what its invoices say is booked.
"""

from typing import Any

from psycopg.rows import DictRow

from .gateway import Gateway, told_of
from .payments import OPEN, Payments, Pool
from .subscriptions import Subscriptions

Finding = tuple[str, str]  # its kind, and the order that it is about (the provider's id where there is no order)


async def reconcile(
    pool: Pool, gateway: Gateway, payments: Payments, subscriptions: Subscriptions, since: int
) -> list[Finding]:
    """The differences among payments since then (seconds since the epoch); kept once, however often they are found.

    Raises psycopg.Error, PoolTimeout and UnknownOutcomeError.
    """
    # Ours are read first: what we have by now the provider has, too.
    ours, theirs = await _ours(pool, since), await gateway.payments_since(since)
    findings: list[Finding] = []
    for intent in theirs:
        if subscriber := await _subscriber(pool, intent):
            if subscriber["provider_id"]:
                await _settle(pool, subscriptions, subscriber["provider_id"])
        elif (mine := await _mine(pool, intent)) is None:
            findings += [("extra", _reference(intent))] if intent.status == "succeeded" else []
        elif mine["status"] in (*OPEN, "declined"):
            await _settle(pool, payments, intent.id)
        else:
            findings += [(kind, str(mine["order_id"])) for kind in _differences(mine, intent)]
    for id_ in await gateway.given_back_since(since):
        await _settle(pool, payments, id_)
    there = {intent.id for intent in theirs}
    findings += [("missing", str(one["order_id"])) for one in ours if one["provider_id"] not in there]
    return await _keep(pool, findings)


def _differences(mine: DictRow, intent: Any) -> list[str]:
    differs = {
        "status": intent.status != "succeeded",
        "amount": intent.amount != mine["amount"],
        "currency": intent.currency.upper() != mine["currency"],
    }
    return [kind for kind, found in differs.items() if found]


def _reference(intent: Any) -> str:
    return told_of(intent, "order") or str(intent.id)


async def _ours(pool: Pool, since: int) -> list[DictRow]:
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT order_id, provider_id FROM payments WHERE status = 'succeeded' AND created_at >= to_timestamp(%s)",
            [since],
        )
        return await found.fetchall()


async def _mine(pool: Pool, intent: Any) -> DictRow | None:
    """Our payment that is meant, by what it was told of us, or by its id."""
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT order_id, payments.status, amount, currency FROM payments JOIN orders ON orders.id = order_id"
            " WHERE payments.id::text = %s OR provider_id = %s",
            [told_of(intent, "payment"), intent.id],
        )
        return await found.fetchone()


async def _subscriber(pool: Pool, intent: Any) -> DictRow | None:
    """Whose subscription it is that asked for a payment, if one did."""
    async with pool.connection() as connection:
        found = await connection.execute("SELECT * FROM subscriptions WHERE customer_id = %s", [intent.customer])
        return await found.fetchone()


async def _settle(pool: Pool, books: Payments | Subscriptions, id_: str) -> None:
    async with pool.connection() as connection:
        await books.settle(connection, id_)


async def _keep(pool: Pool, findings: list[Finding]) -> list[Finding]:
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO findings (kind, reference) VALUES (%s, %s) ON CONFLICT DO NOTHING", findings
        )
    return findings
