"""The books of billing in PostgreSQL and what analytics shows in ClickHouse, by SQL of the suite's own.

Tables and columns are the reference platform's; a platform with others needs another module of this name.
"""

import datetime
import uuid
from collections import Counter

from support.capabilities.database_transaction_coordination.client import Booking
from support.containers.fleet import Fleet
from support.probes.clickhouse import ClickHouseProbe
from support.probes.postgres import PostgresProbe

Sums = dict[datetime.date | str, int]  # a day or an account -> cents


class Books:
    """What billing has of one customer. Each method raises ProbeError when PostgreSQL does not answer."""

    def __init__(self, fleet: Fleet, customer: str) -> None:
        self._postgres = PostgresProbe(fleet.stores["postgres"])
        self._customer = customer

    def bookings(self) -> list[Booking]:
        """Every charge and refund that is committed."""
        query = """
            SELECT reference, account_id::text, product,
                   CASE kind WHEN 'refund' THEN -amount_cents ELSE amount_cents END, day
            FROM entries WHERE customer = %s"""
        return [Booking(*row) for row in self._postgres.rows(query, self._customer)]

    def sums(self) -> tuple[Sums, Sums]:
        """Cents for each day, and the balance of each account that is not at zero."""
        query = """
            SELECT day, sum(CASE kind WHEN 'refund' THEN -amount_cents ELSE amount_cents END)::bigint
            FROM entries WHERE customer = %s GROUP BY day"""
        days = dict(self._postgres.rows(query, self._customer))
        return days, {account: cents for account, cents in self.balances().items() if cents}

    def balances(self) -> dict[str, int]:
        """Account -> cents."""
        query = "SELECT id::text, balance_cents FROM accounts WHERE customer = %s"
        return dict(self._postgres.rows(query, self._customer))

    def ids(self) -> dict[str, str]:
        """The id of each charge and refund: reference -> id."""
        return dict(self._postgres.rows("SELECT reference, id::text FROM entries WHERE customer = %s", self._customer))

    def labels(self) -> dict[str, tuple[str, str]]:
        """What billing itself gave each charge and refund: reference -> id, currency."""
        query = "SELECT reference, id::text, currency FROM entries WHERE customer = %s"
        return {reference: (id, currency) for reference, id, currency in self._postgres.rows(query, self._customer)}

    def outbox(self, put_aside: bool = False) -> list[str]:
        """The references of what waits for analytics, or of what waits for somebody to look into it."""
        query = """
            SELECT reference FROM outbox JOIN entries ON entries.id = entry_id
            WHERE entries.customer = %s AND (parked_at IS NOT NULL) = %s ORDER BY outbox.id"""
        return [row[0] for row in self._postgres.rows(query, self._customer, put_aside)]

    def tries(self) -> dict[str, int]:
        """How often analytics has refused each of those that wait: reference -> tries."""
        query = """
            SELECT reference, attempts FROM outbox JOIN entries ON entries.id = entry_id WHERE entries.customer = %s"""
        return dict(self._postgres.rows(query, self._customer))

    def uncommitted(self) -> bool:
        """Whether a transaction of a node has written something, and is not committed yet (pg_stat_activity)."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'postgres' AND backend_xid IS NOT NULL"
        return self._postgres.rows(query) != [(0,)]

    def close(self) -> None:
        """Gives the connection back."""
        self._postgres.close()


class Analytics:
    """What analytics has of one customer. Each method raises ProbeError when ClickHouse does not answer or refuses."""

    def __init__(self, fleet: Fleet, customer: str) -> None:
        self._clickhouse = ClickHouseProbe(fleet.stores["clickhouse"])
        self._customer = customer
        self._undo: list[str] = []

    def bookings(self) -> list[Booking]:
        """Every charge and refund as analysts see them."""
        query = """
            SELECT reference, toString(account_id), toString(product), change_cents, day
            FROM billing_entries WHERE customer = %(customer)s"""
        return [Booking(*row) for row in self._clickhouse.rows(query, customer=self._customer)]

    def sums(self) -> tuple[Sums, Sums]:
        """Cents for each day, and for each account that is not at zero."""
        query = "SELECT {}, sum(change_cents) FROM billing_entries WHERE customer = %(customer)s GROUP BY {}"
        days, accounts = (
            dict(self._clickhouse.rows(query.format(column, column), customer=self._customer))
            for column in ("day", "toString(account_id)")
        )
        return days, {account: cents for account, cents in accounts.items() if cents}

    def labels(self) -> dict[str, tuple[str, str]]:
        """What billing itself gave each charge and refund, as analysts see it: reference -> id, currency."""
        query = "SELECT reference, toString(id), currency FROM billing_entries WHERE customer = %(customer)s"
        rows = self._clickhouse.rows(query, customer=self._customer)
        return {reference: (id, currency) for reference, id, currency in rows}

    def deliveries(self) -> Counter[str]:
        """How often each charge has been delivered: reference -> rows that are not merged yet."""
        query = "SELECT reference, count() FROM billing_entry_events WHERE customer = %(customer)s GROUP BY reference"
        return Counter(dict(self._clickhouse.rows(query, customer=self._customer)))

    def is_being_written(self) -> bool:
        """Whether an INSERT goes on: it has begun, and its rows may not have come yet (system.processes)."""
        return self._clickhouse.rows("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO %'") != [(0,)]

    def keep_all_deliveries(self) -> None:
        """From now on no row is merged with another that replaces it, until `restore`."""
        self._change("SYSTEM STOP MERGES billing_entry_events", undo="SYSTEM START MERGES billing_entry_events")

    # What somebody might do to it by mistake

    def lose(self, references: list[str]) -> None:
        """Deletes these charges."""
        self._clickhouse.mutate("billing_entry_events", "DELETE WHERE has(%(lost)s, reference)", lost=references)

    def falsify(self, references: list[str]) -> None:
        """Adds a cent to each of these charges."""
        change = "UPDATE change_cents = change_cents + 1 WHERE has(%(false)s, reference)"
        self._clickhouse.mutate("billing_entry_events", change, false=references)

    def misdate(self, references: list[str]) -> None:
        """Puts each of these charges on the day after."""
        change = "UPDATE day = day + 1 WHERE has(%(false)s, reference)"
        self._clickhouse.mutate("billing_entry_events", change, false=references)

    def double(self, reference: str) -> str:
        """Writes this charge once more, under another id; returns that."""
        other = str(uuid.uuid4())
        columns = "account_id, customer, kind, reference, product, change_cents, currency, day, version, deleted"
        copy = f"""
            INSERT INTO billing_entry_events (id, {columns})
            SELECT toUUID(%(id)s), {columns} FROM billing_entry_events WHERE reference = %(reference)s"""
        self._clickhouse.change(copy, id=other, reference=reference)
        return other

    def lose_a_column(self) -> None:
        """Drops a column that is the same in all rows, so that `restore` brings back what was there."""
        column = "COLUMN currency"
        table = "ALTER TABLE billing_entry_events"
        self._change(f"{table} DROP {column}", undo=f"{table} ADD {column} String DEFAULT 'EUR' AFTER change_cents")

    def keep_amounts_as_floats(self) -> None:
        """Makes the amounts floating-point numbers, which hold all that is below 2^53 cents exactly."""
        column = "ALTER TABLE billing_entry_events MODIFY COLUMN change_cents"
        self._change(f"{column} Float64", undo=f"{column} Int64")

    def restore(self) -> None:
        """Takes back what was done to the table."""
        while self._undo:
            self._clickhouse.change(self._undo.pop())

    def close(self) -> None:
        """Takes back what was done to the table, and gives the connections back."""
        self.restore()
        self._clickhouse.close()

    def _change(self, statement: str, undo: str) -> None:
        self._undo.append(undo)
        self._clickhouse.change(statement)
