"""What PostgreSQL itself says of the database: its schema, its rows, who is at work in it and who waits for whom."""

import re
from collections import Counter
from typing import Any

from support.capabilities.database_migration_rollback.client import Tables
from support.containers.service import Store
from support.errors import ProbeError
from support.polling import poll
from support.probes.postgres import PostgresProbe, connect

_DUMP = ("pg_dump", "--schema-only", "--username=postgres", "postgres")
_DUMPED = "PostgreSQL database dump complete"  # its last words; of what the engine lost nothing is made
_PRINTS_WITHIN_S = 5.0
# Newer releases of pg_dump begin and end with a word that is another each time.
_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*|\s*)$")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'l3%%' ORDER BY 1"
_BLOCKED = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
_SESSIONS = "SELECT pid, state, query FROM pg_stat_activity WHERE usename = %s"
# The suite comes from outside of the fleet's network; nodes come through the proxy, which has another address.
_USERS = """
    SELECT DISTINCT usename::text FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'l3' AND pid <> pg_backend_pid()"""
_ADVISORY = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
_OWNERS = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'"
_ADMINISTRATOR = "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles WHERE rolname = %s"
_INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
# What was made, as often as it was; it is written with the rights of its owner, whoever makes something.
_LOG_OF_DDL = """
    CREATE TABLE l3_made (tag text, name text);
    CREATE FUNCTION l3_note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO public.l3_made SELECT command_tag, object_identity FROM pg_event_trigger_ddl_commands();
        END $$;
    CREATE EVENT TRIGGER l3_note ON ddl_command_end EXECUTE FUNCTION l3_note();"""
_LOG_OF_ROWS = """
    CREATE TABLE l3_written (id bigint GENERATED ALWAYS AS IDENTITY, role text, reference text);
    CREATE FUNCTION l3_written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO public.l3_written (role, reference) VALUES (session_user, to_jsonb(NEW)->>'{reference}');
            RETURN NULL;
        END $$;
    CREATE TRIGGER l3_written AFTER UPDATE ON {invoices} FOR EACH ROW EXECUTE FUNCTION l3_written();"""
_SLOW = """
    CREATE FUNCTION l3_slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_sleep({seconds});
            RETURN NEW;
        END $$;
    CREATE TRIGGER l3_slow BEFORE UPDATE ON {invoices}
    FOR EACH ROW WHEN (session_user = '{role}') EXECUTE FUNCTION l3_slow();"""
_GATE = """
    CREATE TABLE l3_gate AS SELECT 1 AS one;
    CREATE FUNCTION l3_wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            PERFORM FROM public.l3_gate FOR SHARE;
            RETURN NEW;
        END $$;
    CREATE TRIGGER l3_wait BEFORE UPDATE ON {invoices} FOR EACH ROW
    WHEN (session_user = '{role}' AND OLD.{reference} = '{name}') EXECUTE FUNCTION l3_wait();"""

Schema = Counter[tuple[str, ...]]


class Probe:
    """Looks into the database of one scenario. Every method raises ProbeError when it gets no answer."""

    def __init__(self, server: Store, tables: Tables) -> None:
        self._server, self._tables = server, tables
        self._look = PostgresProbe(server)

    def schema(self) -> Schema:
        """What pg_dump tells of everything but rows: each statement, as its lines in any order.

        The order is left out because a column that comes back does so as the last one.
        """
        printed = poll(self._dump, _PRINTS_WITHIN_S)
        if not printed:
            raise ProbeError(f"pg_dump printed nothing for {_PRINTS_WITHIN_S:g} s")
        kept = [line.rstrip(",") for line in printed.splitlines() if not _NOISE.match(line)]
        return Counter(tuple(sorted(one.splitlines())) for one in "\n".join(kept).split(";\n"))

    def contents(self) -> dict[str, tuple[int, str]]:
        """Of each table how many rows it has, and a checksum of them all, whatever the order of rows and columns."""
        return {name: self._contents(name) for name in self.names()}

    def names(self) -> list[str]:
        """The tables that there are."""
        return [name for (name,) in self._look.rows(_TABLES)]

    def contents_beside_invoices(self) -> dict[str, tuple[int, str]]:
        """The same without the invoices and the tables that tell which revisions there were."""
        others = (self._tables.invoices, *self._tables.bookkeeping)
        return {name: told for name, told in self.contents().items() if name not in others}

    def euros(self) -> list[tuple[str, int]]:
        """Reference and cents of each invoice, by what release 1 keeps, in the order of the references."""
        return self._amounts(self._tables.euros)

    def cents(self) -> list[tuple[str, int]]:
        """The same by what releases 2 and 3 keep."""
        return self._amounts(self._tables.cents)

    def applied(self) -> list[str]:
        """The revisions that the database has had, in the order of their names."""
        return sorted(name for (name,) in self._look.rows(self._tables.applied))

    def someone_waits_for(self, pid: int) -> bool:
        """Whether any session waits for a lock of the session `pid`."""
        return bool(self._look.rows(_BLOCKED, pid))

    def sessions_of(self, role: str) -> list[tuple[Any, ...]]:
        """pid, state and query of each session of `role`."""
        return self._look.rows(_SESSIONS, role)

    def users(self) -> list[str]:
        """The roles that are connected to the database, but for those of the suite's own sessions."""
        return [name for (name,) in self._look.rows(_USERS)]

    def advisory_locks(self) -> list[tuple[Any, ...]]:
        """The pids of those who hold, or wait for, a lock that is none of a table's."""
        return self._look.rows(_ADVISORY)

    def invalid_indexes(self) -> list[str]:
        """The indexes that are there and are not used."""
        return [name for (name,) in self._look.rows(_INVALID)]

    def read(self, reference: str) -> None:
        """Reads one invoice, as anybody would."""
        self._look.rows(f"SELECT FROM {self._tables.invoices} WHERE {self._tables.reference} = %s", reference)

    def note_what_is_made(self) -> None:
        """From now on, for `made`."""
        self.change(_LOG_OF_DDL)

    def made(self) -> Counter[str]:
        """How often each thing was made or added since then."""
        rows = self._look.rows("SELECT tag || ' ' || name FROM l3_made WHERE tag LIKE 'CREATE%%'")
        return Counter(name for (name,) in rows)

    def note_what_is_written(self) -> None:
        """From now on, for `written_by`."""
        self.change(_LOG_OF_ROWS.format(invoices=self._tables.invoices, reference=self._tables.reference))

    def written_by(self, role: str) -> Counter[str]:
        """How often `role` has written each invoice since then, by their references."""
        return Counter(name for (name,) in self._look.rows("SELECT reference FROM l3_written WHERE role = %s", role))

    def slow_down(self, role: str, by_s: float) -> None:
        """From now on, each invoice that `role` changes takes it `by_s` seconds."""
        self.change(_SLOW.format(seconds=by_s, invoices=self._tables.invoices, role=role))

    def put_gate(self, role: str, name: str) -> str:
        """From now on `role` comes to a gate before it changes the invoice `name`; returns what the gate is called."""
        table, column = self._tables.invoices, self._tables.reference
        self.change(_GATE.format(invoices=table, reference=column, role=role, name=name))
        return "l3_gate"

    def owners(self) -> list[str]:
        """The roles to which tables belong."""
        return [name for (name,) in self._look.rows(_OWNERS)]

    def is_administrator(self, role: str) -> bool:
        """Whether `role` may do more than change what belongs to it."""
        return any(may for (may,) in self._look.rows(_ADMINISTRATOR, role))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query of somebody else's in this room."""
        return self._look.rows(query)

    def change(self, statement: str, **values: Any) -> None:
        """Does `statement` as somebody who may do everything. Raises psycopg.Error where the database refuses it."""
        with connect(self._server.address()) as superuser:
            superuser.execute(statement.encode(), values or None)

    def close(self) -> None:
        """Gives the connection back."""
        self._look.close()

    def _dump(self) -> str:
        done = self._server.exec(list(_DUMP))
        if done.exit_code:
            raise ProbeError(f"pg_dump ended with {done.exit_code}: {done.output[:300]!r}")
        told = str(done.output.decode(errors="replace"))
        return told if _DUMPED in told else ""

    def _contents(self, table: str) -> tuple[int, str]:
        rows = f"SELECT count(*), coalesce(sum(hashtextextended(row, 0)), 0)::text FROM ({_ROWS}) AS rows"
        return tuple(self._look.rows(rows.format(table=table))[0])

    def _amounts(self, query: str) -> list[tuple[str, int]]:
        return [(reference, cents) for reference, cents in self._look.rows(f"{query} ORDER BY 1, 2")]


_ROWS = "SELECT to_jsonb(one)::text AS row FROM {table} AS one"
