"""A look into PostgreSQL by a role of the suite's own, which may read everything and write nothing."""

from typing import Any

import psycopg
from psycopg import sql

from support.containers.postgres import PostgresService
from support.containers.service import Store
from support.errors import ProbeError

_AUDITOR = "l3_auditor"
_NAME = "l3"  # by which the suite's own sessions can be told from the platform's
_ANSWERS_WITHIN_S = 5


def connect(
    address: tuple[str, int],
    role: str = "postgres",
    answers_within_s: int = _ANSWERS_WITHIN_S,
    database: str = "postgres",
) -> psycopg.Connection[Any]:
    """A connection to `database` at `address`, where each statement is a transaction. Raises ProbeError.

    A statement that takes longer than `answers_within_s` is cancelled by the server, which raises psycopg.Error.
    """
    host, port = address
    limits = f"-c statement_timeout={answers_within_s}s"
    try:
        return psycopg.connect(
            PostgresService.url(host, port).replace("postgres@", f"{role}@"),
            dbname=database,
            application_name=_NAME,
            autocommit=True,
            connect_timeout=_ANSWERS_WITHIN_S,
            options=limits,
        )
    except psycopg.Error as error:
        raise ProbeError(f"PostgreSQL did not let {role} in: {error}") from error


class PostgresProbe:
    """A connection of the auditor. Each method raises ProbeError when the server does not answer within 5 s."""

    def __init__(self, server: Store) -> None:
        _make_auditor(server)
        self._connection = connect(server.address(), _AUDITOR)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that `query` gives, with `values` for its placeholders (%s). It may be made of a platform's own."""
        try:
            return self._connection.execute(query.encode(), values).fetchall()
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not answer {query}: {error}") from error

    def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()


def _make_auditor(server: Store) -> None:
    """The role of the probe, made by the superuser where it is not there yet (pg_monitor sees all that goes on)."""
    with connect(server.address()) as superuser:
        if superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [_AUDITOR]).fetchone() is None:
            role = sql.Identifier(_AUDITOR)
            superuser.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_read_all_data, pg_monitor").format(role))
            superuser.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(role))
