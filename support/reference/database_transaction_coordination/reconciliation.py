"""Reconciliation: what analytics shows is held against the books, and set right where it differs.

A repair is one more version of a row, written like any other, so that it can be repeated without harm.
"""

import asyncio
import time
import uuid
from collections.abc import Collection

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from .analytics import Analytics
from .entry import Entry
from .schema import entries, outbox

Books = dict[uuid.UUID, Entry]


async def reconcile(engine: AsyncEngine, analytics: Analytics, customer: str) -> dict[str, list[str]]:
    """Repairs what analytics shows of a customer; returns the ids of the entries that were missing, differing, surplus.

    What still waits in the outbox is no difference. Raises AnalyticsError, RefusedError and SQLAlchemyError.
    """
    told = await _told(engine, customer)
    shown = {row.id: row for row in await asyncio.to_thread(analytics.entries, customer)}
    # What was booked meanwhile may be shown already.
    surplus = shown.keys() - told.keys()
    surplus -= await _booked(engine, surplus)
    missing = told.keys() - shown.keys()
    differing = {id for id in told.keys() & shown.keys() if told[id] != shown[id]}
    version = time.time_ns() // 1000
    await asyncio.to_thread(analytics.insert, [told[id] for id in missing | differing], version)
    await asyncio.to_thread(analytics.insert, [shown[id] for id in surplus], version, True)
    report = {"missing": missing, "differing": differing, "surplus": surplus}
    return {what: sorted(map(str, ids)) for what, ids in report.items()}


async def _told(engine: AsyncEngine, customer: str) -> Books:
    """The entries that analytics has been told of: those of the books that are not in the outbox."""
    waits = exists().where(outbox.c.entry_id == entries.c.id)
    async with engine.connect() as connection:
        rows = await connection.execute(select(entries).where(entries.c.customer == customer, ~waits))
        return {row.id: Entry(**row) for row in rows.mappings()}


async def _booked(engine: AsyncEngine, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    async with engine.connect() as connection:
        return set(await connection.scalars(select(entries.c.id).where(entries.c.id.in_(ids))))
