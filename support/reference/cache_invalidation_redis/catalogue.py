"""The origin: prices and discounts of many shops, in PostgreSQL.

Connections are kept, and never more than an operator allows: readers who find all of them busy wait for their turn,
so that a cache that is gone does not bring the database down as well.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, DataError, OperationalError
from psycopg.errors import CheckViolation
from psycopg_pool import AsyncConnectionPool

from ..unavailable import UnavailableError
from .invalidations import SCHEMA as INVALIDATIONS
from .invalidations import Invalidations, Stale, note

WAIT_S = 8.0  # for a connection, and for an answer

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop text PRIMARY KEY, discount_percent integer NOT NULL CHECK (discount_percent BETWEEN 0 AND 100)
);
CREATE TABLE IF NOT EXISTS products (
    shop text NOT NULL, product text NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents BETWEEN 0 AND 10000000000000000), -- a hundred times that is a bigint
    PRIMARY KEY (shop, product)
)
"""
PRICE = """
SELECT price_cents * (100 - coalesce(discount_percent, 0)) / 100
FROM products LEFT JOIN shops USING (shop) WHERE shop = %s AND product = %s
"""
DISCOUNT = "SELECT discount_percent FROM shops WHERE shop = %s"
SET_PRICE = """
INSERT INTO products (shop, product, price_cents) VALUES (%s, %s, %s)
ON CONFLICT (shop, product) DO UPDATE SET price_cents = excluded.price_cents
"""
REMOVE = "DELETE FROM products WHERE shop = %s AND product = %s"
SET_DISCOUNT = """
INSERT INTO shops (shop, discount_percent) VALUES (%s, %s)
ON CONFLICT (shop) DO UPDATE SET discount_percent = excluded.discount_percent
"""
SCHEMA_LOCK = 5_220_131  # any number that no other migration of this database takes


class RefusedError(ValueError):
    """A change that the catalogue's rules do not allow; nothing of it was done."""


def connections(url: str, most: int, application: str) -> "AsyncConnectionPool[AsyncConnection[Any]]":
    """A pool of `most` connections, which are opened when it is; one that breaks is replaced."""
    options = f"-c statement_timeout={round(WAIT_S * 1000)} -c application_name={application}"
    # A statement that is sent unprepared and outside a transaction takes one round trip instead of three.
    return AsyncConnectionPool(
        url, min_size=most, open=False, timeout=WAIT_S,
        kwargs={"autocommit": True, "prepare_threshold": None, "options": options},
    )  # fmt: skip


class Catalogue:
    """Reads and changes. All raise UnavailableError; a change returns when it is committed and no cache has the old."""

    def __init__(self, pool: "AsyncConnectionPool[AsyncConnection[Any]]", invalidations: Invalidations) -> None:
        self._pool, self._invalidations = pool, invalidations

    async def create_schema(self) -> None:
        """Makes the tables that are missing; nodes that start together do it one after the other."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
            for statement in (*SCHEMA.split(";"), INVALIDATIONS):
                await connection.execute(statement)

    async def answers(self) -> bool:
        """Whether the database does."""
        try:
            async with self._connection() as connection:
                await connection.execute("SELECT 1")
        except UnavailableError:
            return False
        return True

    async def price(self, shop: str, product: str) -> int | None:
        """What the product costs now, in cents, with the shop's discount; None if there is none."""
        return await self._one(PRICE, shop, product)

    async def discount(self, shop: str) -> int:
        """The shop's discount in per cent."""
        return await self._one(DISCOUNT, shop) or 0

    async def set_prices(self, shop: str, prices: Mapping[str, int], stale: Sequence[Stale]) -> None:
        """Sets all of these prices, in cents, or none: RefusedError if one is not allowed."""
        # In one order for all, so that two changes of the same prices do not wait for each other.
        await self._change([(SET_PRICE, (shop, product, cents)) for product, cents in sorted(prices.items())], stale)

    async def remove(self, shop: str, product: str, stale: Sequence[Stale]) -> None:
        """The shop sells the product no more."""
        await self._change([(REMOVE, (shop, product))], stale)

    async def set_discount(self, shop: str, percent: int, stale: Sequence[Stale]) -> None:
        """Sets the discount of the whole shop; RefusedError if it is none."""
        await self._change([(SET_DISCOUNT, (shop, percent))], stale)

    async def _one(self, question: str, *parameters: str) -> int | None:
        async with self._connection() as connection:
            row = await (await connection.execute(question, parameters)).fetchone()
        return row[0] if row else None

    async def _change(self, statements: Iterable[tuple[str, tuple[Any, ...]]], stale: Sequence[Stale]) -> None:
        try:
            async with self._connection() as connection, connection.transaction():
                for statement, parameters in statements:
                    await connection.execute(statement, parameters)
                ids = await note(connection, stale)
        except (CheckViolation, DataError) as error:
            raise RefusedError(error.diag.message_primary or str(error)) from error
        await self._invalidations.carry_out(ids, stale)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except OperationalError as error:
            raise UnavailableError(str(error)) from error
