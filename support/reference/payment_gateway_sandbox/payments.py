"""Orders, their payments and refunds: what is intended is stored before the provider is asked, what came of it after.

What the provider says of a payment is looked up, under a lock, whenever something may have happened to it: after a
call, at an event, when an outcome is missing. So it does not matter how often or in which order that is.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from .gateway import Gateway, Movements, RefusedError, UnknownOutcomeError, told_of
from .schema import book

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

OPEN = ("requested", "processing", "requires_action")
_STATUSES = {"requires_payment_method": "declined", "requires_confirmation": "requested", "canceled": "declined"}
_ARRIVED = ("pending", "requires_action", "succeeded")  # a refund whose money has left
_OVER = ("failed", "canceled")


class NoSuchOrderError(Exception):
    """There is none, or it is somebody else's."""


class ConflictError(Exception):
    """What is asked for contradicts what was asked before, or what there is."""


@dataclass(frozen=True)
class Line:
    """So many of something, at a price in minor units."""

    quantity: int
    price: int


class Payments:
    """Every method raises psycopg.Error and psycopg_pool.PoolTimeout when the database does not answer."""

    def __init__(self, pool: Pool, gateway: Gateway) -> None:
        self._pool, self._gateway = pool, gateway

    async def order(self, customer: str, lines: Sequence[Line], currency: str) -> tuple[uuid.UUID, int]:
        """Takes an order; its id, and what it costs."""
        id_, amount = uuid.uuid4(), sum(line.quantity * line.price for line in lines)
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO orders (id, customer, lines, amount, currency) VALUES (%s, %s, %s, %s, %s)",
                [id_, customer, Jsonb([vars(line) for line in lines]), amount, currency],
            )
        return id_, amount

    async def receipt(self, customer: str, order: uuid.UUID) -> DictRow:
        """What was paid for an order, given back and is disputed. Raises NoSuchOrderError."""
        async with self._pool.connection() as connection:
            found = await connection.execute(
                """
                SELECT orders.*, coalesce(latest.status, 'unpaid') AS status, latest.reason,
                    (SELECT coalesce(sum(amount), 0)::bigint FROM ledger
                     WHERE owner = orders.id::text AND side = 'provider' AND kind = 'charge'
                       AND ledger.currency = orders.currency) AS paid,
                    (SELECT coalesce(-sum(amount), 0)::bigint FROM ledger
                     WHERE owner = orders.id::text AND side = 'provider' AND kind = 'refund'
                       AND ledger.currency = orders.currency) AS refunded
                FROM orders LEFT JOIN LATERAL (
                    SELECT status, reason FROM payments WHERE order_id = orders.id ORDER BY created_at DESC LIMIT 1
                ) AS latest ON true
                WHERE orders.id = %s AND customer = %s""",
                [order, customer],
            )
            return _one(await found.fetchone())

    async def pay(self, customer: str, order: uuid.UUID, card: str, key: str | None) -> DictRow:
        """Has an order paid; its payment, whatever is known of it. Raises NoSuchOrderError, ConflictError."""
        async with self._pool.connection() as connection:
            await _lock(connection, order, customer)
            payment = await self._intended(connection, customer, order, card, key)
        if payment["status"] == "requested":
            await self.resume(payment["id"])
        return await self.payment(payment["id"])

    async def refund(self, order: uuid.UUID, amount: int, currency: str) -> DictRow:
        """Gives back `amount` of an order. Raises NoSuchOrderError; ConflictError for more than is left of it."""
        async with self._pool.connection() as connection:
            found = await _lock(connection, order)
            payment = await _paid(connection, order)
            if payment is None or found["disputed"] or found["currency"] != currency:
                raise ConflictError("this order is not paid, disputed, or paid in another currency")
            if amount > found["amount"] - await _given_back(connection, payment["id"]):
                raise ConflictError("more than is left of what was paid")
            id_ = uuid.uuid4()
            await connection.execute(
                "INSERT INTO refunds (id, payment_id, amount) VALUES (%s, %s, %s)", [id_, payment["id"], amount]
            )
        await self.resume_refund(id_)
        return await self._row("SELECT * FROM refunds WHERE id = %s", id_)

    async def payment(self, id_: uuid.UUID) -> DictRow:
        """A payment with what its order costs."""
        return await self._row(
            "SELECT payments.*, amount, currency FROM payments JOIN orders ON orders.id = order_id"
            " WHERE payments.id = %s",
            id_,
        )

    # What may have happened at the provider

    async def resume(self, id_: uuid.UUID) -> None:
        """Asks the provider for a payment, or for what became of it: the key is the same however often it is asked."""
        payment, intent = await self.payment(id_), None
        try:
            intent = await self._gateway.pay(
                str(id_), payment["amount"], payment["currency"], payment["card"], str(payment["order_id"])
            )
        except RefusedError as error:
            intent = error.intent
            if intent is None:
                await self._set("UPDATE payments SET status = 'declined', reason = %s WHERE id = %s", error.code, id_)
        except UnknownOutcomeError:
            return
        if intent:
            async with self._pool.connection() as connection:
                await self.settle(connection, intent)

    async def resume_refund(self, id_: uuid.UUID) -> None:
        """The same for a refund."""
        refund = await self._row(
            "SELECT refunds.amount, payments.provider_id AS intent FROM refunds"
            " JOIN payments ON payments.id = payment_id WHERE refunds.id = %s",
            id_,
        )
        try:
            await self._gateway.refund(str(id_), refund["intent"], refund["amount"])
        except RefusedError:
            await self._set("UPDATE refunds SET status = %s WHERE id = %s", "failed", id_)
            return
        except UnknownOutcomeError:
            return
        async with self._pool.connection() as connection:
            await self.settle(connection, refund["intent"])

    async def settle(self, connection: Connection, intent: str) -> None:
        """Books what the provider has of a payment now. Raises UnknownOutcomeError, NotThereError.

        Whoever comes later looks later: the lock is taken before the look, and is held until the books are committed.
        """
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [intent])
        found = await self._gateway.movements(intent)
        if payment := told_of(found.intent, "payment"):
            await _write(connection, uuid.UUID(payment), found)

    async def _intended(
        self, connection: Connection, customer: str, order: uuid.UUID, card: str, key: str | None
    ) -> DictRow:
        """The payment that is meant: the one of this key, or the order's that may move money, or a new one."""
        asked = await connection.execute(
            "SELECT payments.*, keys.card AS asked_by FROM keys JOIN payments ON payments.id = payment_id"
            " WHERE customer = %s AND key = %s",
            [customer, key],
        )
        if known := await asked.fetchone():
            if (known["order_id"], known["asked_by"]) != (order, card):
                raise ConflictError("this key was used for another payment")
            return known
        live = await connection.execute(
            "SELECT * FROM payments WHERE order_id = %s AND status = ANY(%s)", [order, [*OPEN, "succeeded"]]
        )
        payment = await live.fetchone() or await _new_payment(connection, order, card)
        if key is not None:
            await connection.execute(
                "INSERT INTO keys (customer, key, card, payment_id) VALUES (%s, %s, %s, %s)",
                [customer, key, card, payment["id"]],
            )
        return payment

    async def _row(self, query: Any, id_: uuid.UUID) -> DictRow:
        async with self._pool.connection() as connection:
            return _one(await (await connection.execute(query, [id_])).fetchone())

    async def _set(self, statement: Any, value: str, id_: uuid.UUID) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement, [value, id_])


async def _new_payment(connection: Connection, order: uuid.UUID, card: str) -> DictRow:
    made = await connection.execute(
        "INSERT INTO payments (id, order_id, card) VALUES (%s, %s, %s) RETURNING *", [uuid.uuid4(), order, card]
    )
    return _one(await made.fetchone())


async def _write(connection: Connection, id_: uuid.UUID, found: Movements) -> None:
    """Brings payment, refunds, disputes and ledger to what was found."""
    order = await (
        await connection.execute(
            "SELECT * FROM orders WHERE id = (SELECT order_id FROM payments WHERE id = %s) FOR UPDATE", [id_]
        )
    ).fetchone()
    if order is None:
        return
    owner, intent = str(order["id"]), found.intent
    status, error = _STATUSES.get(intent.status, intent.status), intent.last_payment_error
    if status == "succeeded":
        await book(connection, intent.id, "charge", owner, intent.amount_received, intent.currency.upper())
        if (intent.amount_received, intent.currency.upper()) != (order["amount"], order["currency"]):
            status = "mismatched"  # the money is booked; the order is not paid by it
    await connection.execute(
        "UPDATE payments SET status = %s, reason = %s, provider_id = %s WHERE id = %s",
        [status, error and (error.decline_code or error.code), intent.id, id_],
    )
    for refund in found.refunds:
        await _write_refund(connection, id_, owner, refund)
    for dispute in found.disputes:
        await book(connection, dispute.id, "dispute", owner, -dispute.amount, dispute.currency.upper())
        if dispute.status == "won":
            await book(connection, f"{dispute.id}:won", "dispute", owner, dispute.amount, dispute.currency.upper())
    disputed = any(dispute.status != "won" for dispute in found.disputes)
    await connection.execute("UPDATE orders SET disputed = %s WHERE id = %s", [disputed, order["id"]])


async def _write_refund(connection: Connection, payment: uuid.UUID, owner: str, refund: Any) -> None:
    """A refund, also one that was made at the provider's own page; its money comes back when it ends in nothing."""
    told = told_of(refund, "refund")
    id_ = uuid.UUID(told) if told else uuid.uuid5(payment, refund.id)
    await connection.execute(
        "INSERT INTO refunds (id, payment_id, amount, status, provider_id) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET status = excluded.status, provider_id = excluded.provider_id",
        [id_, payment, refund.amount, refund.status, refund.id],
    )
    currency = refund.currency.upper()
    await book(connection, refund.id, "refund", owner, -refund.amount, currency)
    if refund.status not in _ARRIVED:
        await book(connection, f"{refund.id}:returned", "refund", owner, refund.amount, currency)


async def _lock(connection: Connection, order: uuid.UUID, customer: str | None = None) -> DictRow:
    """The order; who holds this lock is alone with all that belongs to it. Raises NoSuchOrderError."""
    found = await connection.execute("SELECT * FROM orders WHERE id = %s FOR UPDATE", [order])
    row = _one(await found.fetchone())
    if customer is not None and row["customer"] != customer:
        raise NoSuchOrderError
    return row


async def _paid(connection: Connection, order: uuid.UUID) -> DictRow | None:
    found = await connection.execute("SELECT * FROM payments WHERE order_id = %s AND status = 'succeeded'", [order])
    return await found.fetchone()


async def _given_back(connection: Connection, payment: uuid.UUID) -> int:
    """What was given back of a payment, or may yet be: all that has not come to nothing."""
    found = await connection.execute(
        "SELECT coalesce(sum(amount), 0)::bigint AS sum FROM refunds WHERE payment_id = %s AND status <> ALL(%s)",
        [payment, list(_OVER)],
    )
    return int(_one(await found.fetchone())["sum"])


def _one(row: DictRow | None) -> DictRow:
    if row is None:
        raise NoSuchOrderError
    return row


def pool_of(url: str, connections: int) -> Pool:
    """Connections to the database, each of which is tried before it is used."""
    return AsyncConnectionPool(
        url, min_size=2, max_size=connections, timeout=3, open=False, check=AsyncConnectionPool.check_connection,
        kwargs={"row_factory": dict_row, "connect_timeout": 2, "options": "-c statement_timeout=10s"},
    )  # fmt: skip
