"""A node's connections to its database."""

from contextlib import AsyncExitStack, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool


class Connections(AsyncConnectionPool[psycopg.AsyncConnection[Any]]):
    """A pool that gives nobody a connection that has died, and finds another one at once.

    When the database was restarted all have died. The pool's own check pauses after each of them, longer each time, and
    a customer waits meanwhile.
    """

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection[Any]:
        """As the pool does, `timeout` (seconds) for each that it takes up. Raises PoolTimeout."""
        while True:
            connection = await super().getconn(timeout)
            with suppress(psycopg.OperationalError):
                async with AsyncExitStack() as unless_alive:
                    unless_alive.push_async_callback(self.putconn, connection)  # which has a new one made for it
                    await self.check_connection(connection)
                    unless_alive.pop_all()
                    return connection
