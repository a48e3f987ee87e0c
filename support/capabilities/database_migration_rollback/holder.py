"""Somebody who has a transaction open, such as a nightly backup, or a report that takes long."""

from typing import Any

import psycopg

from support.containers.service import Store
from support.errors import ProbeError
from support.polling import poll
from support.probes.postgres import connect

_WAITED_FOR_WITHIN_S = 20.0
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class Holder:
    """One transaction of the suite's own, which others may have to wait for. Raises ProbeError."""

    def __init__(self, server: Store) -> None:
        self._session = connect(server.address())
        self.pid = self._session.info.backend_pid

    def read_everything(self) -> None:
        """Has read from every table, and has not ended, as a backup."""
        self._begin()
        for (table,) in self._ask(_TABLES):
            self._session.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        self._look()

    def read_something_else(self) -> None:
        """Has read what no migration changes, and has not ended, as a report: it holds no table, but a snapshot."""
        self._begin()
        self._look()

    def hold(self, gate: str) -> None:
        """Whoever comes to the `gate` of a probe waits for this one."""
        self._begin()
        self._session.execute(f"SELECT FROM {gate} FOR UPDATE".encode())

    def leave(self) -> None:
        """Ends; nothing was changed."""
        self._session.execute("ROLLBACK")

    def close(self) -> None:
        """Gives the connection back."""
        self._session.close()

    def _look(self) -> None:
        """The first question is what a transaction takes its snapshot for."""
        self._ask("SELECT count(*) FROM pg_am")

    def _begin(self) -> None:
        self._session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._session.execute(query.encode()).fetchall()
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not answer {query}: {error}") from error


def reach(moment: object, what: str) -> None:
    """Waits until `moment`, a question, is answered with yes. Raises ProbeError naming `what` when it is not."""
    if not callable(moment) or not poll(moment, _WAITED_FOR_WITHIN_S, 0.02):
        raise ProbeError(f"within {_WAITED_FOR_WITHIN_S:g} s it was not seen that {what}")
