"""What has changed and must be forgotten: noted in the transaction of the change, carried out after its commit.

A note that is part of the transaction shares its fate: what is rolled back invalidates nothing, and what is committed
is invalidated for sure, also when the node dies in between or cannot reach Redis at that moment. Then another node,
or this one later, carries the note out. A note may be carried out twice, which costs a read and harms nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection, Error
from psycopg_pool import AsyncConnectionPool

from .shared_cache import UNREACHABLE

RETRY_EVERY_S = 0.2

SCHEMA = """
CREATE TABLE IF NOT EXISTS cache_invalidations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, is_prefix boolean NOT NULL
)
"""
NOTE = "INSERT INTO cache_invalidations (key, is_prefix) VALUES (%s, %s) RETURNING id"
# Notes that somebody else is carrying out are waited for by who depends on them, and left alone by who does not.
TAKE_THESE = """
DELETE FROM cache_invalidations WHERE id IN (
    SELECT id FROM cache_invalidations WHERE id = ANY(%s) ORDER BY id FOR UPDATE) RETURNING key, is_prefix
"""
TAKE_ALL = """
DELETE FROM cache_invalidations WHERE id IN (
    SELECT id FROM cache_invalidations ORDER BY id FOR UPDATE) RETURNING key, is_prefix
"""
TAKE_LEFT = TAKE_ALL.replace("FOR UPDATE", "FOR UPDATE SKIP LOCKED")

logger = logging.getLogger(__name__)


class Stale(NamedTuple):
    """A key whose value is no longer true, or a prefix under which none is."""

    key: str
    is_prefix: bool = False


async def note(connection: AsyncConnection[Any], what: Iterable[Stale]) -> list[int]:
    """Writes notes in the running transaction; gives their ids."""
    cursors = [await connection.execute(NOTE, stale) for stale in what]
    return [row[0] for cursor in cursors for row in await cursor.fetchall()]


class Invalidations:
    """The notes of all nodes, and their carrying out by this one."""

    def __init__(
        self,
        pool: "AsyncConnectionPool[Any]",
        forget: Callable[[Stale], Awaitable[None]],
        forget_here: Callable[[Stale], None],
    ) -> None:
        """`forget` removes something from every cache of every node; it raises one of UNREACHABLE when it cannot.

        `forget_here` removes it from the memory of this node alone.
        """
        self._pool, self._forget, self._forget_here = pool, forget, forget_here

    async def carry_out(self, ids: Sequence[int], what: Iterable[Stale]) -> None:
        """Returns when these notes, of `what`, are carried out, by whomever; what fails now is tried again by `run`.

        By then this node has forgotten it, whenever word of it comes: who asked for the change may look at once.
        """
        try:
            await self._take(TAKE_THESE, [list(ids)])
        except (*UNREACHABLE, Error) as error:
            logger.warning("invalidation is late: %s", error)
        for stale in what:
            self._forget_here(stale)

    async def catch_up(self) -> None:
        """Returns when every note there is has been carried out. Raises OSError when one could not be."""
        try:
            await self._take(TAKE_ALL, [])
        except (*UNREACHABLE, Error) as error:
            raise OSError(f"some invalidations could not be carried out: {error}") from error

    async def run(self) -> None:
        """Carries out what was left, as soon as possible; ends only by being cancelled."""
        while True:
            await asyncio.sleep(RETRY_EVERY_S)
            try:
                await self._take(TAKE_LEFT, [])
            except (*UNREACHABLE, Error):
                logger.debug("invalidations have to wait", exc_info=True)

    async def _take(self, statement: str, parameters: list[Any]) -> None:
        """Carries notes out and deletes them, or leaves them all as they are."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(statement, parameters)
            for row in await cursor.fetchall():
                await self._forget(Stale(*row))
