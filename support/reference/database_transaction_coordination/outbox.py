"""The outbox: what analytics has yet to be told, written in the transaction of the entry that it tells of.

Relays of all nodes share the work by lanes. All events of an account are in one lane, and a relay holds the lanes
that it works on, so that no event is shipped by two and none overtakes an earlier one of its account.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .entry import Entry
from .schema import LANES, outbox, outbox_lanes

LANES_AT_ONCE = 8  # what one relay holds, so that others have something to do beside it


@dataclass(frozen=True)
class Waiting:
    """An event that waits; `id` is its place in line."""

    id: int
    entry: Entry


async def append(transaction: AsyncConnection, entry: Entry) -> None:
    """Puts the event of an entry into the outbox, as a part of the entry's own transaction."""
    event = {
        "entry_id": entry.id,
        "customer": entry.customer,
        "lane": entry.account_id.int % LANES,
        "payload": entry.to_event(),
    }
    await transaction.execute(insert(outbox).values(event))


async def claim(transaction: AsyncConnection, limit: int) -> list[Waiting]:
    """Events that are next in lanes that no other relay holds; they are this one's until the transaction ends."""
    waits = exists().where(outbox.c.lane == outbox_lanes.c.lane, outbox.c.parked_at.is_(None))
    free = select(outbox_lanes.c.lane).where(waits).order_by(func.random()).limit(LANES_AT_ONCE)
    lanes = (await transaction.scalars(free.with_for_update(skip_locked=True))).all()
    # A statement of its own, because it has to see what the last holder of these lanes left behind.
    wanted = select(outbox.c.id, outbox.c.payload).where(outbox.c.lane.in_(lanes), outbox.c.parked_at.is_(None))
    rows = await transaction.execute(wanted.order_by(outbox.c.id).limit(limit))
    return [Waiting(row.id, Entry.from_event(row.payload)) for row in rows]


async def shipped(transaction: AsyncConnection, ids: Collection[int]) -> None:
    """Takes events out that analytics has acknowledged."""
    await transaction.execute(delete(outbox).where(outbox.c.id.in_(ids)))


async def refused(transaction: AsyncConnection, id: int, error: str, max_attempts: int) -> bool:
    """Counts an attempt that analytics refused. From the last one on the event is parked, and true is returned."""
    row = await transaction.execute(
        update(outbox)
        .where(outbox.c.id == id)
        .values(attempts=outbox.c.attempts + 1, error=error)
        .returning(outbox.c.attempts)
    )
    if row.scalar_one() < max_attempts:
        return False
    await transaction.execute(update(outbox).where(outbox.c.id == id).values(parked_at=func.now()))
    return True


async def depth(engine: AsyncEngine) -> tuple[int, int]:
    """How many events wait, and how many are parked."""
    waiting = func.count().filter(outbox.c.parked_at.is_(None))
    async with engine.connect() as connection:
        row = (await connection.execute(select(waiting, func.count(outbox.c.parked_at)))).one()
    return row[0], row[1]


async def parked(engine: AsyncEngine, customer: str) -> list[dict[str, Any]]:
    """The events of a customer that are parked, with the reason, for somebody to look into."""
    columns = (outbox.c.entry_id, outbox.c.attempts, outbox.c.error)
    wanted = select(*columns).where(outbox.c.customer == customer, outbox.c.parked_at.is_not(None))
    async with engine.connect() as connection:
        rows = (await connection.execute(wanted.order_by(outbox.c.id))).all()
    return [{"entry": str(row.entry_id), "attempts": row.attempts, "error": row.error} for row in rows]
