"""Subscriptions: the provider bills them, and what it says of one decides who has access to what."""

import uuid
from collections.abc import Mapping
from typing import Any

from psycopg.rows import DictRow

from .gateway import Gateway, RefusedError, told_of
from .payments import ConflictError, Connection, Pool
from .schema import book
from .settings import PLAN_CURRENCY

# As long as the provider still tries to have it paid, nobody is locked out.
_ACCESS = ("trialing", "active", "past_due")
_OVER = ("canceled", "incomplete_expired", "declined")
QUOTES_LAST_S = 24 * 3600


class Subscriptions:
    """Every method raises psycopg.Error and PoolTimeout, and UnknownOutcomeError when the provider does not answer."""

    def __init__(self, pool: Pool, gateway: Gateway, plans: Mapping[str, int]) -> None:
        self._pool, self._gateway, self._plans = pool, gateway, plans

    async def subscribe(self, customer: str, plan: str, card: str, trial_days: int) -> DictRow:
        """A subscription of `customer`: the one that there is, or a new one. Raises ConflictError for no such plan."""
        if plan not in self._plans:
            raise ConflictError("there is no such plan")
        async with self._pool.connection() as connection:
            # Who comes second waits here for the first one's commit, and joins it.
            await connection.execute(
                "INSERT INTO subscriptions (id, customer, card, plan, trial_days) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (customer) WHERE status NOT IN ('canceled', 'incomplete_expired', 'declined') DO NOTHING",
                [uuid.uuid4(), customer, card, plan, trial_days],
            )
            subscription: DictRow = await self._of(connection, customer)
        return await self.resume(subscription) if subscription["status"] == "requested" else subscription

    async def resume(self, subscription: DictRow) -> DictRow:
        """Asks the provider for a subscription, or for what became of it; the keys are the same each time."""
        id_ = str(subscription["id"])
        try:
            price = await self._price(subscription["plan"])
            customer = await self._gateway.customer(id_, subscription["customer"], subscription["card"])
            await self._note_customer(id_, customer)
            made = await self._gateway.subscribe(id_, customer, price, subscription["trial_days"])
        except RefusedError:
            async with self._pool.connection() as connection:
                await connection.execute("UPDATE subscriptions SET status = 'declined' WHERE id = %s", [id_])
                return {**subscription, "status": "declined"}
        async with self._pool.connection() as connection:
            await self.settle(connection, made)
            settled: DictRow = await self._of(connection, subscription["customer"])
            return settled

    async def access(self, customer: str) -> str | None:
        """The plan that the customer may use now, if any."""
        async with self._pool.connection() as connection:
            found = await connection.execute(
                "SELECT plan FROM subscriptions WHERE customer = %s AND status = ANY(%s)", [customer, list(_ACCESS)]
            )
            row = await found.fetchone()
        return row["plan"] if row else None

    async def quote(self, customer: str, plan: str) -> tuple[uuid.UUID, int]:
        """A quote of what a change to `plan` costs, and that in minor units. Raises ConflictError."""
        subscription = await self._at_provider(customer, plan)
        id_, (due, as_of) = uuid.uuid4(), await self._preview(subscription, plan)
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO quotes (id, subscription, plan, due, as_of) VALUES (%s, %s, %s, %s, %s)",
                [id_, subscription.id, plan, due, as_of],
            )
        return id_, due

    async def change(self, customer: str, id_: uuid.UUID) -> tuple[str, str | None]:
        """Changes the plan for what was quoted, once that is paid; the plan that was quoted, and the one afterwards.

        Raises ConflictError, also when it was not quoted to this customer, or too long ago.
        """
        subscription = await self._at_provider(customer)
        async with self._pool.connection() as connection:
            found = await connection.execute(
                "SELECT * FROM quotes WHERE id = %s AND subscription = %s", [id_, subscription.id]
            )
            quote = await found.fetchone()
        if quote is None:
            raise ConflictError("there is no such quote")
        plan, as_of = quote["plan"], quote["as_of"]
        _, now = await self._preview(subscription, plan)
        if now > as_of + QUOTES_LAST_S:
            raise ConflictError("this quote is too old")
        try:
            await self._gateway.change(f"change-{id_}", subscription, await self._price(plan), as_of)
        except RefusedError as error:
            raise ConflictError(error.code) from error
        await self._settle_now(subscription.id)
        return plan, await self.access(customer)

    async def cancel(self, customer: str) -> None:
        """Ends the customer's subscription with the period that is paid for. Raises ConflictError."""
        subscription = await self._at_provider(customer)
        try:
            await self._gateway.cancel(subscription.id)
        except RefusedError as error:
            raise ConflictError(error.code) from error
        await self._settle_now(subscription.id)

    async def settle(self, connection: Connection, provider_id: str) -> None:
        """Writes down how a subscription is now, and books its paid invoices. Raises NotThereError."""
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [provider_id])
        found = await self._gateway.subscription(provider_id)
        id_ = told_of(found, "subscription")
        if not id_:
            return
        written = await connection.execute(
            "UPDATE subscriptions SET status = %s, provider_id = %s, customer_id = %s,"
            " plan = coalesce((SELECT plan FROM prices WHERE provider_id = %s), plan) WHERE id = %s RETURNING customer",
            [found.status, found.id, found.customer, found["items"].data[0].price.id, uuid.UUID(id_)],
        )
        row = await written.fetchone()
        if row is None:
            return
        for invoice in await self._gateway.invoices(provider_id):
            if invoice.status == "paid" and invoice.amount_paid:
                amount, currency = invoice.amount_paid, invoice.currency.upper()
                await book(connection, str(invoice.id), "charge", row["customer"], amount, currency)

    async def _note_customer(self, id_: str, customer: str) -> None:
        """Before anything is charged: whoever finds a charge of theirs knows whose it is."""
        async with self._pool.connection() as connection:
            await connection.execute("UPDATE subscriptions SET customer_id = %s WHERE id = %s", [customer, id_])

    async def _settle_now(self, provider_id: str) -> None:
        async with self._pool.connection() as connection:
            await self.settle(connection, provider_id)

    async def _preview(self, subscription: Any, plan: str) -> tuple[int, int]:
        """What a change to `plan` would cost now, and what the provider's clock says."""
        preview = await self._gateway.quote(subscription, await self._price(plan))
        moment = preview.lines.data[0].period.start if preview.lines.data else subscription.created
        return preview.amount_due, moment

    async def _price(self, plan: str) -> str:
        async with self._pool.connection() as connection:
            found = await connection.execute("SELECT provider_id FROM prices WHERE plan = %s", [plan])
            if row := await found.fetchone():
                return str(row["provider_id"])
        made = await self._gateway.price(plan, self._plans[plan], PLAN_CURRENCY)
        async with self._pool.connection() as connection:
            await connection.execute("INSERT INTO prices VALUES (%s, %s) ON CONFLICT DO NOTHING", [plan, made])
        return made

    async def _at_provider(self, customer: str, plan: str | None = None) -> Any:
        if plan is not None and plan not in self._plans:
            raise ConflictError("there is no such plan")
        async with self._pool.connection() as connection:
            subscription = await self._of(connection, customer)
        if subscription is None or subscription["status"] in _OVER or not subscription["provider_id"]:
            raise ConflictError("there is no subscription")
        return await self._gateway.subscription(subscription["provider_id"])

    @staticmethod
    async def _of(connection: Connection, customer: str) -> Any:
        found = await connection.execute(
            "SELECT * FROM subscriptions WHERE customer = %s ORDER BY status = ANY(%s), created_at DESC LIMIT 1",
            [customer, list(_OVER)],
        )
        return await found.fetchone()
