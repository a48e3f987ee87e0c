"""Invoices as one release writes and reads them, on its own schema and on those of the releases beside it."""

from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.errors import UndefinedColumn

# Each for a schema; the first one that the database has the columns for is used.
IN_EUROS = "INSERT INTO invoices (reference, amount) VALUES (%(reference)s, %(cents)s / 100.0)"
IN_CENTS = "INSERT INTO invoices (reference, amount_cents, note) VALUES (%(reference)s, %(cents)s, %(note)s)"
CORRECT_EUROS = "UPDATE invoices SET amount = %(cents)s / 100.0 WHERE reference = %(reference)s"
CORRECT_CENTS = "UPDATE invoices SET amount_cents = %(cents)s WHERE reference = %(reference)s"
# A row as it is, whatever columns there are: cents where somebody has written them, else euros.
READ_ANY = """
    SELECT coalesce((row->>'amount_cents')::bigint, round((row->>'amount')::numeric * 100)::bigint), row->>'note'
    FROM (SELECT to_jsonb(invoices) AS row FROM invoices WHERE reference = %(reference)s) AS found"""
READ_EUROS = "SELECT round(amount * 100)::bigint, NULL FROM invoices WHERE reference = %(reference)s"
READ_CENTS = "SELECT amount_cents, note FROM invoices WHERE reference = %(reference)s"


class Words(NamedTuple):
    """What a release says to the database."""

    issue: tuple[str, ...]
    correct: tuple[str, ...]
    read: str


WORDS = {
    1: Words((IN_EUROS,), (CORRECT_EUROS,), READ_EUROS),
    2: Words((IN_CENTS, IN_EUROS), (CORRECT_CENTS, CORRECT_EUROS), READ_ANY),
    3: Words((IN_CENTS,), (CORRECT_CENTS,), READ_CENTS),
}


class Invoice(NamedTuple):
    """An amount in cents, and what was noted, where the schema has a place for that."""

    cents: int
    note: str | None


async def write(connection: AsyncConnection, statements: tuple[str, ...], values: dict[str, Any]) -> int:
    """Runs the first of `statements` that fits the schema; returns how many rows it wrote. Raises psycopg.Error.

    A statement that names a column which is not there has done nothing, so the next one may be tried.
    """
    for statement, last in [*((one, False) for one in statements[:-1]), (statements[-1], True)]:
        try:
            return (await connection.execute(statement.encode(), values)).rowcount
        except UndefinedColumn:
            if last:
                raise
    return 0


async def read(connection: AsyncConnection, statement: str, reference: str) -> Invoice | None:
    """The invoice of that reference, or None. Raises psycopg.Error."""
    row = await (await connection.execute(statement.encode(), {"reference": reference})).fetchone()
    return Invoice(*row) if row else None
