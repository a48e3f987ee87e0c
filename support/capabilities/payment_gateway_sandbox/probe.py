"""The platform's books of payments in PostgreSQL, by SQL of the suite's own, and all else that its database holds.

Which tables the books are in only the platform knows: its adapter gives them as SELECTs, from which these queries read.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, LiteralString

from psycopg import sql

from support.capabilities.payment_gateway_sandbox.client import Finding, Tables
from support.containers.fleet import Fleet
from support.errors import FaultError
from support.polling import poll
from support.probes.postgres import PostgresProbe, connect

Flow = tuple[str, str]  # a kind of movement (charge, refund, dispute), and a currency


class Books:
    """The platform's own account of all money. Each method raises ProbeError when PostgreSQL does not answer."""

    def __init__(self, fleet: Fleet, tables: Tables) -> None:
        self._server = fleet.stores["postgres"]
        self._postgres = PostgresProbe(self._server)
        self._tables = tables

    def moved(self, owner: str) -> Counter[Flow]:
        """What was charged, refunded and disputed of an order or a subscriber, in the smallest units; no zeros."""
        rows = self._of("kind, currency, sum(amount)::bigint", self._tables.movements, "owner", owner, "GROUP BY 1, 2")
        return Counter({(kind, currency): amount for kind, currency, amount in rows if amount})

    def unbalanced(self) -> dict[str, int]:
        """The currencies in which the ledger does not sum to 0, and what it sums to."""
        query: LiteralString = f"SELECT currency, sum(amount)::bigint FROM ({self._tables.sides}) AS sides GROUP BY 1"
        return {currency: amount for currency, amount in self._postgres.rows(query) if amount}

    def settled(self, order: str) -> bool:
        """Whether an order counts as paid."""
        return self._of("settled", self._tables.orders, "id", order) == [(True,)]

    def findings(self, order: str) -> list[Finding]:
        """What reconciliation has kept about an order."""
        return [Finding(*row) for row in self._of("kind, reference", self._tables.findings, "reference", order)]

    def provider_id(self, subscriber: str) -> str:
        """What the provider knows a subscriber by; empty when the platform does not know it."""
        rows = self._of("provider_id", self._tables.subscribers, "name", subscriber)
        return str(rows[-1][0]) if rows else ""

    def everything(self) -> list[str]:
        """Each row of each table that the platform has made, as text."""
        query = """
            SELECT table_schema, table_name FROM information_schema.tables
            WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"""
        texts: list[str] = []
        with connect(self._server.address()) as superuser:
            for schema, table in superuser.execute(query).fetchall():
                rows = superuser.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, table)))
                texts += [f"{table}: {row[0]}" for row in rows]
        return texts

    def while_locked(self, order: str, during: Callable[[], object]) -> None:
        """Does `during` while nobody else can change an order's row."""
        with connect(self._server.address(), answers_within_s=30) as superuser, superuser.transaction():
            superuser.execute(self._tables.lock_order, [order])
            during()

    def age(self, owner: str, hours: int) -> None:
        """Makes what was asked for for an order or a subscriber so much older, as if nobody had heard since then."""
        with connect(self._server.address()) as superuser:
            superuser.execute(self._tables.age, {"owner": owner, "hours": hours})

    def await_waiting(self, or_else: Callable[[], bool], within_s: float = 5.0) -> None:
        """Returns once a transaction of the platform waits for a lock, or what it was to do is done `or_else`.

        That is so after 4 s at the latest: the provider waits no longer. Raises FaultError when neither is in time.
        """
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'postgres'"
        if not poll(lambda: or_else() or self._postgres.rows(query) != [(0,)], within_s, 0.01):
            raise FaultError(f"nobody waited for the lock on the order within {within_s:g} s")

    def close(self) -> None:
        """Gives the connection back."""
        self._postgres.close()

    def _of(
        self, columns: LiteralString, rows: LiteralString, name: LiteralString, value: str, more: LiteralString = ""
    ) -> list[tuple[Any, ...]]:
        return self._postgres.rows(f"SELECT {columns} FROM ({rows}) AS own WHERE {name} = %s {more}", value)
