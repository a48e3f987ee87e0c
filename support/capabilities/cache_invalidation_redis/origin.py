"""What PostgreSQL, the origin, knows: the true prices, which of them it was asked for, and who waits for it.

Its tables are the platform's own, and are asked of its adapter. Every method raises ProbeError when the server does not
answer.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import psycopg

from support.capabilities.cache_invalidation_redis.client import Books
from support.containers.service import Store
from support.errors import ProbeError
from support.polling import poll
from support.probes.postgres import connect

_GATE = 7_001_001  # advisory lock that commits wait for while a scenario holds it
_ENTRY = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\w+): +(.*)$")  # log_line_prefix as it comes: '%m [%p] '
_READ = re.compile(r"^(?:statement|execute [^:]*):\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_SAYS_WITHIN_S = 10

# A deferred constraint trigger runs when its transaction commits (PostgreSQL, CREATE TRIGGER), so a commit can be
# held there: whatever was done in the transaction is done, and nobody sees it yet.
_GATE_KEEPER = f"""
CREATE OR REPLACE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared({_GATE}); RETURN NULL; END $$
"""
_HOLD_COMMITS = """
CREATE CONSTRAINT TRIGGER wait_at_the_gate AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate()
"""
_LET_COMMITS_GO = "DROP TRIGGER IF EXISTS wait_at_the_gate ON {table}"


class Origin:
    """The database, on connections of the suite's own."""

    def __init__(self, server: Store, books: Books) -> None:
        self._server, self._books = server, books
        self._connection = self._another()

    def set_prices(self, shop: str, prices: Mapping[str, int]) -> None:
        """Sets prices behind the platform's back, which therefore invalidates nothing."""
        rows = [{"shop": shop, "product": product, "cents": cents} for product, cents in prices.items()]
        with _told(), self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(self._books.set_price, rows)

    def set_discount(self, shop: str, percent: int) -> None:
        """Sets the shop's discount in the same way."""
        with _told():
            self._connection.execute(self._books.set_discount, {"shop": shop, "percent": percent})

    def prices(self, shop: str) -> dict[str, int]:
        """What each product of the shop costs, without its discount."""
        with _told():
            rows = self._connection.execute(self._books.all_prices, {"shop": shop})
            return {str(product): int(cents) for product, cents in rows.fetchall()}

    @contextmanager
    def questions(self, shop: str) -> Iterator[Callable[[], list[str]]]:
        """While this lasts the server logs every statement; what it yields tells the reads that named `shop` so far."""
        began = time.time() - 1
        self._log_statements("all")
        try:
            first = self._mark()
            yield lambda: self._reads(shop, began, first)
        finally:
            self._log_statements("none")

    def now(self) -> datetime:
        """The server's clock."""
        with _told():
            row = self._connection.execute("SELECT clock_timestamp()").fetchone()
        if row is None:
            raise ProbeError("PostgreSQL does not tell the time")
        return cast(datetime, row[0])

    def reads_done(self, since: datetime) -> int:
        """How many connections have read a price since then, have been sent the answer, and asked nothing after it."""
        return self._number(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query_start > %s "
            "AND query ~* '^\\s*SELECT' AND position(%s in query) > 0",
            since,
            self._books.prices,
        )

    @contextmanager
    def closed(self) -> Iterator[None]:
        """While this lasts whoever reads or changes prices or discounts waits for it (ACCESS EXCLUSIVE)."""
        with _told(), self._another() as connection, connection.transaction():
            connection.execute(f"LOCK TABLE {self._books.prices}, {self._books.discounts} IN ACCESS EXCLUSIVE MODE")
            yield

    def waiting(self) -> int:
        """How many statements wait for the tables of prices and discounts at this moment."""
        waiting = "SELECT count(*) FROM pg_locks WHERE relation IN (%s::regclass, %s::regclass) AND NOT granted"
        return self._number(waiting, self._books.prices, self._books.discounts)

    @contextmanager
    def price_held(self, shop: str, product: str, cents: int) -> Iterator[None]:
        """While this lasts whoever changes that price, which is `cents` and stays so, waits for its row."""
        with _told(), self._another() as connection, connection.transaction():
            connection.execute(self._books.set_price, {"shop": shop, "product": product, "cents": cents})
            yield

    def waiting_for_rows(self) -> int:
        """How many sessions wait at this moment for a row that another one changes."""
        return self._number(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype IN ('transactionid', 'tuple') AND NOT granted"
        )

    def cancel(self) -> int:
        """Cancels every statement that waits for the table of prices; returns how many there were."""
        return self._number(
            "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_locks "
            "WHERE relation = %s::regclass AND NOT granted",
            self._books.prices,
        )

    @contextmanager
    def commits_held(self) -> Iterator[None]:
        """While this lasts whatever changes prices or discounts waits in its commit."""
        with _told(), self._another() as gate:
            self._connection.execute(_GATE_KEEPER)
            self._on_each_table(_HOLD_COMMITS)
            try:
                gate.execute("SELECT pg_advisory_lock(%s)", [_GATE])
                yield
                gate.execute("SELECT pg_advisory_unlock(%s)", [_GATE])
            finally:
                gate.close()  # which gives the lock back, so that nobody waits for it while the trigger goes
                self._on_each_table(_LET_COMMITS_GO)

    def held_commits(self) -> int:
        """How many commits wait at this moment because `commits_held`."""
        return self._number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")

    def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()

    def _another(self) -> "psycopg.Connection[Any]":
        return connect(self._server.address(), answers_within_s=_SAYS_WITHIN_S)

    def _on_each_table(self, statement: str) -> None:
        for table in (self._books.prices, self._books.discounts):
            self._connection.execute(statement.format(table=table))

    def _number(self, question: str, *parameters: Any) -> int:
        with _told():
            row = self._connection.execute(question, parameters).fetchone()
        return int(row[0]) if row else 0

    def _log_statements(self, which: str) -> None:
        """Takes hold in every session, also in those that the nodes have had for long."""
        with _told():
            self._connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
            self._connection.execute("SELECT pg_reload_conf()")
        if which == "all" and not poll(lambda: self._setting("log_statement") == which, _SAYS_WITHIN_S):
            raise ProbeError("PostgreSQL was told to log every statement, and does not")

    def _setting(self, name: str) -> str:
        """As a session is told that begins now: the server tells all others before it lets that one in."""
        with _told(), self._another() as connection:
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        return str(row[0]) if row else ""

    def _mark(self) -> str:
        """Has a word logged that stands nowhere else: what was logged before it is to be read by then."""
        word = uuid.uuid4().hex
        with _told():
            self._connection.execute(f"SELECT '{word}'")
        return word

    def _reads(self, shop: str, began: float, first: str) -> list[str]:
        last = self._mark()
        seen: list[str] = []

        def told() -> bool:
            seen[:] = statements_in(self._log(began))
            return any(last in entry for entry in seen)

        if not poll(told, _SAYS_WITHIN_S):
            raise ProbeError(f"PostgreSQL did not log a statement within {_SAYS_WITHIN_S:g} s")
        after = next((place for place, entry in enumerate(seen) if first in entry), 0)
        return [entry for entry in seen[after:] if shop in entry and _READ.match(entry)]

    def _log(self, since: float) -> str:
        return self._server.get_wrapped_container().logs(stdout=False, since=since).decode(errors="replace")


def statements_in(log: str) -> list[str]:
    """The statements of a log, each with its parameters, in the order in which they were logged."""
    entries: list[str] = []
    place: dict[str, int] = {}  # of the last entry of each process
    pid = ""
    for line in log.splitlines():
        match = _ENTRY.match(line)
        if match is None or match[2] != "LOG":
            pid = match[1] if match else pid
            if pid in place:  # DETAIL of a statement, or the next line of it
                entries[place[pid]] += " " + line.strip()
            continue
        pid = match[1]
        place[pid] = len(entries)
        entries.append(match[3])
    return entries


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise ProbeError(f"PostgreSQL did not answer the suite: {error}") from error
