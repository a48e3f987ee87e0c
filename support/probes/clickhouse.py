"""A look into ClickHouse by connections of the suite's own: one that only reads, one that brings about a change."""

from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from support.containers.service import Store
from support.errors import FaultError, ProbeError
from support.polling import poll

_ANSWERS_WITHIN_S = 5.0
_CHANGED_WITHIN_S = 30.0  # a change of a table writes every part of it anew, file by file


def connect(address: tuple[str, int], within_s: float = _ANSWERS_WITHIN_S, **settings: Any) -> Client:
    """A connection at `address`, made at the first question. `settings` are those of ClickHouse for each query.

    No answer may take longer than `within_s` seconds.
    """
    limits = ("connect_timeout", "send_receive_timeout", "sync_request_timeout")
    host, port = address
    return Client(host, port=port, settings=settings, **dict.fromkeys(limits, within_s))


class ClickHouseProbe:
    """Two connections. Each method raises ProbeError when the server does not answer in time, or refuses.

    That is within 5 s, and 30 s for a change.
    """

    def __init__(self, server: Store) -> None:
        # "readonly": no query of this connection can change anything (ClickHouse, permissions for queries).
        self._reader = connect(server.address(), readonly=1)
        self._writer = connect(server.address(), _CHANGED_WITHIN_S)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows that `query` gives, with `values` for its placeholders (%(name)s)."""
        return _told(self._reader, query, values)

    def change(self, statement: str, **values: Any) -> None:
        """Carries out a statement that changes data or a table."""
        _told(self._writer, statement, values)

    def mutate(self, statement: str, **values: Any) -> None:
        """Carries out a statement that changes rows; returns when it is done. FaultError if it is not.

        ALTER TABLE … DELETE or UPDATE goes on in the background; its end is seen in system.mutations.
        """
        self.change(statement, **values)
        left = "SELECT count() FROM system.mutations WHERE NOT is_done"
        if not poll(lambda: self.rows(left) == [(0,)], _CHANGED_WITHIN_S):
            raise FaultError(f"ClickHouse has not done {statement.strip()} within {_CHANGED_WITHIN_S:g} s")

    def close(self) -> None:
        """Gives the connections back."""
        self._reader.disconnect()
        self._writer.disconnect()


def _told(client: Client, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    try:
        return list(client.execute(query, values or None) or [])
    except (Error, OSError, EOFError) as error:
        raise ProbeError(f"ClickHouse did not answer {query.strip()}: {error}") from error
