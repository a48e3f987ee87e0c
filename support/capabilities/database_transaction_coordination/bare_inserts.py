"""One row into each store with no platform in between: how fast it can be on this machine at this moment."""

import time

import psycopg
from clickhouse_driver.errors import Error

from support.errors import ProbeError
from support.probes import clickhouse, postgres

_ROW = ("x" * 100,)
_DROPPED_WITHIN_S = 30.0  # ClickHouse keeps each row in files of its own, and removes them one by one


class BarePostgres:
    """A table of the suite's own in PostgreSQL. Every method raises ProbeError."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = postgres.connect(address)
        self._connection.execute("CREATE TABLE IF NOT EXISTS l3_bare (id bigserial PRIMARY KEY, data text NOT NULL)")

    def insert(self) -> float:
        """Seconds from an INSERT until it is committed."""
        began = time.monotonic()
        try:
            self._connection.execute("INSERT INTO l3_bare (data) VALUES (%s)", _ROW)
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not take a bare row: {error}") from error
        return time.monotonic() - began

    def close(self) -> None:
        """Takes the table away and gives the connection back."""
        self._connection.execute("DROP TABLE l3_bare")
        self._connection.close()


class BareClickHouse:
    """A table of the suite's own in ClickHouse. Every method raises ProbeError."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._client = clickhouse.connect(address, _DROPPED_WITHIN_S)
        self._tell("CREATE TABLE IF NOT EXISTS l3_bare (data String) ENGINE = MergeTree ORDER BY data")

    def insert_and_read(self) -> float:
        """Seconds from an INSERT until all rows so far have been read back, the new one among them."""
        began = time.monotonic()
        self._tell("INSERT INTO l3_bare VALUES", [_ROW])
        self._tell("SELECT data FROM l3_bare")
        return time.monotonic() - began

    def close(self) -> None:
        """Takes the table away and gives the connection back."""
        self._tell("DROP TABLE l3_bare")
        self._client.disconnect()

    def _tell(self, statement: str, rows: list[tuple[str]] | None = None) -> None:
        try:
            self._client.execute(statement, rows)
        except (Error, OSError, EOFError) as error:
            raise ProbeError(f"ClickHouse did not do {statement}: {error}") from error
