"""The books of billing in PostgreSQL and what analytics shows in ClickHouse, by SQL of the suite's own.

Which tables that is about only the platform knows: its adapter gives them as SELECTs, from which these queries read.
"""

import datetime
import uuid
from collections import Counter
from typing import Any

from support.capabilities.database_transaction_coordination.client import (
    AnalyticsTables,
    BillingTables,
    Booking,
    Change,
)
from support.containers.fleet import Fleet
from support.probes.clickhouse import ClickHouseProbe
from support.probes.postgres import PostgresProbe

Sums = dict[datetime.date | str, int]  # a day or an account -> cents


class Books:
    """What billing has of one customer. Each method raises ProbeError when PostgreSQL does not answer."""

    def __init__(self, fleet: Fleet, tables: BillingTables, customer: str) -> None:
        self._postgres = PostgresProbe(fleet.stores["postgres"])
        self._tables, self._customer = tables, customer

    def bookings(self) -> list[Booking]:
        """Every charge and refund that is committed."""
        return [Booking(*row) for row in self._of("reference, account, product, cents, day", self._tables.entries)]

    def sums(self) -> tuple[Sums, Sums]:
        """Cents for each day, and the balance of each account that is not at zero."""
        days = dict(self._of("day, sum(cents)::bigint", self._tables.entries, "GROUP BY day"))
        return days, {account: cents for account, cents in self.balances().items() if cents}

    def balances(self) -> dict[str, int]:
        """Account -> cents."""
        return dict(self._of("account, cents", self._tables.accounts))

    def ids(self) -> dict[str, str]:
        """The id of each charge and refund: reference -> id."""
        return dict(self._of("reference, id", self._tables.entries))

    def labels(self) -> dict[str, tuple[str, str]]:
        """What billing itself gave each charge and refund: reference -> id, currency."""
        rows = self._of("reference, id, currency", self._tables.entries)
        return {reference: (id, currency) for reference, id, currency in rows}

    def outbox(self, put_aside: bool = False) -> list[str]:
        """The references of what waits for analytics, or of what waits for somebody to look into it."""
        rows = self._of("reference, put_aside", self._tables.outbox)
        return [reference for reference, aside in rows if aside == put_aside]

    def all_that_wait(self) -> int:
        """How much waits for analytics, of all customers."""
        query = f"SELECT count(*) FROM ({self._tables.outbox}) AS outbox WHERE NOT put_aside"
        return int(self._postgres.rows(query)[0][0])

    def tries(self) -> dict[str, int]:
        """How often analytics has refused each of those that wait: reference -> tries."""
        return dict(self._of("reference, tries", self._tables.outbox))

    def uncommitted(self) -> bool:
        """Whether a transaction of a node has written something, and is not committed yet (pg_stat_activity)."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'postgres' AND backend_xid IS NOT NULL"
        return self._postgres.rows(query) != [(0,)]

    def idle_for(self) -> list[float]:
        """For how many seconds each transaction of a node has been begun with nothing more said (pg_stat_activity)."""
        idle_s = "extract(epoch FROM clock_timestamp() - state_change)::float8"
        query = f"SELECT {idle_s} FROM pg_stat_activity WHERE usename = 'postgres' AND state = 'idle in transaction'"
        return [idle_s for (idle_s,) in self._postgres.rows(query)]

    def close(self) -> None:
        """Gives the connection back."""
        self._postgres.close()

    def _of(self, columns: str, table: str, more: str = "") -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM ({table}) AS all_of_them WHERE customer = %s {more}"
        return self._postgres.rows(query, self._customer)


class Analytics:
    """What analytics has of one customer. Each method raises ProbeError when ClickHouse does not answer or refuses."""

    def __init__(self, fleet: Fleet, tables: AnalyticsTables, customer: str) -> None:
        self._clickhouse = ClickHouseProbe(fleet.stores["clickhouse"])
        self._tables, self._customer = tables, customer
        self._undo: list[str] = []

    def bookings(self) -> list[Booking]:
        """Every charge and refund as analysts see them."""
        return [Booking(*row) for row in self._of("reference, account, product, cents, day", self._tables.entries)]

    def sums(self) -> tuple[Sums, Sums]:
        """Cents for each day, and for each account that is not at zero."""
        days, accounts = (
            dict(self._of(f"{column}, sum(cents)", self._tables.entries, f"GROUP BY {column}"))
            for column in ("day", "account")
        )
        return days, {account: cents for account, cents in accounts.items() if cents}

    def labels(self) -> dict[str, tuple[str, str]]:
        """What billing itself gave each charge and refund, as analysts see it: reference -> id, currency."""
        rows = self._of("reference, id, currency", self._tables.entries)
        return {reference: (id, currency) for reference, id, currency in rows}

    def deliveries(self) -> Counter[str]:
        """How often each charge has been delivered: reference -> rows that are not merged yet."""
        return Counter(dict(self._of("reference, count()", self._tables.deliveries, "GROUP BY reference")))

    def is_being_written(self) -> bool:
        """Whether an INSERT goes on: it has begun, and its rows may not have come yet (system.processes)."""
        return self._clickhouse.rows("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO %'") != [(0,)]

    # What somebody might do to it by mistake

    def lose(self, references: list[str]) -> None:
        """Takes these charges out."""
        self._clickhouse.mutate(self._tables.lose, references=references)

    def show(self, reference: str, column: str, value: object) -> None:
        """Lets analysts see `value` in a column of this charge or refund."""
        self._clickhouse.mutate(self._tables.show[column], references=[reference], value=value)

    def double(self, reference: str) -> str:
        """Writes this charge once more, under another id; returns that."""
        other = str(uuid.uuid4())
        self._clickhouse.mutate(self._tables.double, id=other, references=[reference])
        return other

    def change(self, *changes: Change) -> None:
        """Does this to a table, one after the other, until `restore`."""
        for change in changes:
            self._undo.append(change.undo)
            self._clickhouse.change(change.do)

    def restore(self) -> None:
        """Takes back what was done to the tables."""
        while self._undo:
            self._clickhouse.change(self._undo.pop())

    def close(self) -> None:
        """Takes back what was done to the tables, and gives the connections back."""
        self.restore()
        self._clickhouse.close()

    def _of(self, columns: str, table: str, more: str = "") -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM ({table}) WHERE customer = %(customer)s {more}"
        return self._clickhouse.rows(query, customer=self._customer)
