"""Billing: what customers were charged and given back, in PostgreSQL, which alone decides what is true.

Money is whole cents. An entry, the balance that it changes and the event that tells analytics of it are written in
one transaction: all of them happen, or none.
"""

import asyncio
import random
import uuid

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from . import outbox
from .entry import Entry
from .schema import accounts, entries

# serialization_failure and deadlock_detected (PostgreSQL, appendix A): the same transaction may succeed next time.
WORTH_RETRYING = {"40001", "40P01"}
TRIES = 5
RETRY_AFTER_S = 0.02


class ExceedsPaidError(Exception):
    """More was to be given back than the customer has paid over all accounts."""


class Billing:
    """Every method raises sqlalchemy.exc.DBAPIError: for what a constraint forbids, and when there is no database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._serializable = engine.execution_options(isolation_level="SERIALIZABLE")

    async def open_account(self, customer: str) -> uuid.UUID:
        """Opens an account with nothing on it."""
        account = uuid.uuid4()
        async with self._engine.begin() as transaction:
            await transaction.execute(insert(accounts).values(id=account, customer=customer))
        return account

    async def balance(self, customer: str, account: uuid.UUID) -> int:
        """The balance of an account in cents; raises NoResultFound where the customer has no such account."""
        wanted = select(accounts.c.balance_cents).where(accounts.c.id == account, accounts.c.customer == customer)
        async with self._engine.connect() as connection:
            return int((await connection.execute(wanted)).scalar_one())

    async def charge(self, entry: Entry) -> None:
        """Books a charge; raises IntegrityError where the account, the reference or the amount forbids it."""
        async with self._engine.begin() as transaction:
            await self._book(transaction, entry)

    async def refund(self, entry: Entry) -> None:
        """Books a refund; raises ExceedsPaidError when the customer would get back more than was paid.

        That rule spans rows, so it needs transactions that behave as if they came one after the other: two refunds
        of two accounts touch no common row, and would both see enough (PostgreSQL, 13.2.3). The loser of such a race
        is tried again; a DBAPIError that is worth retrying says that it lost every time.
        """
        for attempt in range(1, TRIES + 1):
            try:
                async with self._serializable.begin() as transaction:
                    await self._require_paid(transaction, entry)
                    await self._book(transaction, entry)
                return
            except DBAPIError as error:
                if sqlstate(error) not in WORTH_RETRYING or attempt == TRIES:
                    raise
            await asyncio.sleep(random.uniform(0, attempt * RETRY_AFTER_S))

    async def _require_paid(self, transaction: AsyncConnection, entry: Entry) -> None:
        paid = select(func.coalesce(func.sum(accounts.c.balance_cents), 0))
        total = (await transaction.execute(paid.where(accounts.c.customer == entry.customer))).scalar_one()
        if entry.amount_cents > total:
            raise ExceedsPaidError(entry.reference)

    async def _book(self, transaction: AsyncConnection, entry: Entry) -> None:
        await transaction.execute(insert(entries).values(vars(entry)))
        # The database adds, so that no writer overwrites what another has added. It also locks the account until the
        # end: the events of an account are numbered in the order in which they are committed.
        await transaction.execute(
            update(accounts)
            .where(accounts.c.id == entry.account_id)
            .values(balance_cents=accounts.c.balance_cents + entry.change_cents)
        )
        await outbox.append(transaction, entry)


def sqlstate(error: DBAPIError) -> str:
    """The SQLSTATE that PostgreSQL gave; empty where there was none, as when the connection was lost."""
    return getattr(error.orig, "sqlstate", None) or ""
