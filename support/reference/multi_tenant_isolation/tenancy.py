"""Transactions in the name of one tenant, which PostgreSQL holds to that tenant's rows."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

WAIT_S = 10.0  # for a tenant's turn; whoever waits longer is better told to come again

Transaction = AsyncConnection[DictRow]


class UnknownTenantError(Exception):
    """There is no such tenant."""


class BusyError(Exception):
    """The tenant has too much under way."""


class Tenancy:
    """The database, as tenants reach it."""

    def __init__(self, pool: AsyncConnectionPool[Transaction], share: int) -> None:
        """`share`: how many connections of `pool` one tenant may hold, so that there are some left for others."""
        self._pool, self._share = pool, share
        self._turns: WeakValueDictionary[uuid.UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def transaction(self, tenant: uuid.UUID) -> AsyncIterator[Transaction]:
        """A transaction that sees and writes `tenant`'s rows alone; committed unless the block raises.

        Raises UnknownTenantError, BusyError, and psycopg's errors.
        """
        async with self._turn(tenant), self._pool.connection() as connection:
            await self._speak_for(tenant, connection)
            yield connection

    @asynccontextmanager
    async def _turn(self, tenant: uuid.UUID) -> AsyncIterator[None]:
        turns = self._turns.setdefault(tenant, asyncio.Semaphore(self._share))
        try:
            await asyncio.wait_for(turns.acquire(), WAIT_S)
        except TimeoutError as error:
            raise BusyError from error
        try:
            yield
        finally:
            turns.release()

    @staticmethod
    async def _speak_for(tenant: uuid.UUID, connection: Transaction) -> None:
        """All of it ends with the transaction, however that ends: the connection is another tenant's next."""
        await connection.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant)])
        found = await (await connection.execute("SELECT own_schema FROM public.tenants")).fetchone()
        if found is None:
            raise UnknownTenantError
        if schema := found["own_schema"]:
            # Nothing but the schema: a table that is missing there must not be found in another one.
            become = "SELECT set_config('role', %(schema)s, true), set_config('search_path', %(schema)s, true)"
            await connection.execute(become, {"schema": schema})
