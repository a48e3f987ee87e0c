"""Everything that an account of the database could read or write, found in the catalogue and tried.

All of it happens in a transaction of a superuser, who becomes the account for each try, looks at what came of it as
itself again, and takes it all back: nothing is left, and nothing needs to be known of the target's tables and policies.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg.types.json import Jsonb

from support.capabilities.multi_tenant_isolation.client import Statement
from support.capabilities.multi_tenant_isolation.probe import Row, containing, rows_with
from support.containers.service import Store
from support.errors import ProbeError
from support.probes.postgres import connect

# What somebody made (see the probe), and what the planner remembers of its contents.
_RELATIONS = """
    SELECT pg_class.oid, nspname, relname, relkind::text FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT LIKE 'pg_toast%'
    AND (pg_class.oid >= 16384 OR relname IN ('pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs')) ORDER BY 1
"""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum
"""
_KEY = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = %s AND indisprimary
"""
# Those whose parameters can be given what is to be found: a company's id, a mark, or any number.
_FUNCTIONS = """
    SELECT nspname, proname, ARRAY(SELECT format_type(one, NULL) FROM unnest(proargtypes) AS one) FROM pg_proc
    JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE pg_proc.oid >= 16384 AND prokind = 'f'
    AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND proargtypes::oid[] <@ ARRAY['text', 'varchar', 'uuid', 'int4', 'int8']::regtype[]::oid[]
"""
_NUMBERS = ("integer", "bigint")
NO_PERMISSION = "42501"  # insufficient_privilege, also of a row that a policy forbids (PostgreSQL, appendix A)
_NEVER = {"0A000", "42809", "55000"}  # COPY into what has policies, changes of what is no table: whoever asks
# The server could not, or was made to stop, or did not understand the question, which is no account's fault.
_NOT_TOLD = ("08", "53", "57", "58", "55P03", "42")


class Relation(NamedTuple):
    """A table, a view, or what else rows are read from; `kind` is pg_class's."""

    schema: str
    name: str
    kind: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def sql(self) -> Identifier:
        """Its full name."""
        return Identifier(self.schema, self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Change(NamedTuple):
    """A change to be tried. `data` is what a COPY sends; `foreign`: it makes rows of another company's."""

    what: str
    statement: Composed
    values: Sequence[Any] = ()
    data: bytes | None = None
    foreign: bool = True


@dataclass
class Findings:
    """What a sweep found: where each mark was shown; what was refused, with its SQLSTATE; what reached others' rows."""

    tried: int = 0
    shown: dict[str, set[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)

    def show(self, marks: Sequence[str], text: str, where: str) -> None:
        """Notes which of `marks` are in a text that was shown."""
        for mark in marks:
            if mark in text:
                self.shown.setdefault(mark, set()).add(where)


class Sweep:
    """Tries as the account `role`, on all relations or on those of `schema`. ProbeError when there is no answer."""

    def __init__(self, server: Store, role: str, schema: str | None = None) -> None:
        self._role = role
        self._superuser = connect(server.address())
        found = [self._relation(*row) for row in self._superuser.execute(_RELATIONS).fetchall()]
        tables = SQL(", ").join(relation.sql for relation in found if relation.kind == "r")
        self._superuser.execute(SQL("ANALYZE {}").format(tables))  # so that statistics, too, hold what there is
        self._relations = [relation for relation in found if schema in (None, relation.schema)]
        self._functions = [] if schema else self._superuser.execute(_FUNCTIONS).fetchall()

    def close(self) -> None:
        """Gives the connection back."""
        self._superuser.close()

    def read_as_superuser(self, marks: Sequence[str]) -> Findings:
        """Reads all that there is, by the same questions as the account, and looks for `marks`."""
        return self._read(marks, self._aside)

    def read(self, context: Sequence[Statement], marks: Sequence[str]) -> Findings:
        """Reads all that there is, after `context` has said for whom, and looks for `marks`."""
        return self._read(marks, lambda: self._as_account(context))

    def write(self, context: Sequence[Statement], mark: str) -> Findings:
        """Tries to change and to remove what holds `mark`, and to make more of it, wherever there is some."""
        findings = Findings()
        with self._aside():
            before = rows_with(self._superuser, mark)
            for relation in self._relations:
                for change in self._changes(relation, mark):
                    self._try(change, context, mark, before, findings)
        return findings

    def _read(self, marks: Sequence[str], become: Callable[[], AbstractContextManager[None]]) -> Findings:
        findings = Findings()
        with self._aside():
            for relation in self._relations:
                with self._noting(f"read {relation}", marks, findings), become():
                    rows = SQL("SELECT l3_row::text FROM {} AS l3_row").format(relation.sql)
                    findings.show(marks, str(self._superuser.execute(rows).fetchall()), str(relation))
                with self._noting(f"copy {relation}", marks, findings), become():
                    findings.show(marks, self._copied(SQL("COPY {} TO STDOUT").format(relation.sql)), str(relation))
            for schema, name, parameters in self._functions:
                for mark in marks if parameters else marks[:1]:
                    with self._noting(f"call {schema}.{name}", [], findings), become():
                        self._call(Identifier(schema, name), parameters, mark, marks, findings)
        return findings

    def _call(
        self, name: Identifier, parameters: Sequence[str], mark: str, marks: Sequence[str], findings: Findings
    ) -> None:
        """Calls a function with `mark` in the place of each text, and notes what of the other marks comes of that."""
        values = [SQL("1") if one in _NUMBERS else SQL("{}::{}").format(Literal(mark), SQL(one)) for one in parameters]
        call = SQL("SELECT l3_row::text FROM {}({}) AS l3_row").format(name, SQL(", ").join(values))
        given = [one for one in marks if one != mark] if parameters else marks  # it may say what it was given
        findings.show(given, str(self._superuser.execute(call).fetchall()), f"{name.as_string()}()")

    def _changes(self, relation: Relation, mark: str) -> Iterator[Change]:
        """What to try on a table or a view, with a row of those that hold `mark`, if there is one."""
        columns = SQL(", ").join(map(Identifier, relation.columns))
        names = {"table": relation.sql, "columns": columns, "mark": containing(mark)}
        one = "SELECT {} FROM {{table}} AS l3_row WHERE l3_row::text LIKE {{mark}} LIMIT 1"
        row = self._superuser.execute(SQL(one.format("to_jsonb(l3_row)")).format(**names)).fetchone()
        if row is None or relation.kind not in "rpv" or relation.schema == "pg_catalog":
            return
        same = SQL("(SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s))").format(**names)
        insert = SQL("INSERT INTO {table} ({columns}) ").format(**names) + same
        first = Identifier(relation.columns[0])
        yield Change(f"insert into {relation}", insert, [Jsonb(row[0])])
        yield Change(f"insert into {relation} what may be there", insert + _otherwise(relation), [Jsonb(row[0])])
        yield Change(
            f"move a row of {relation}",
            SQL("UPDATE {table} SET ({columns}) = ").format(**names) + same,
            [Jsonb(row[0])],
        )
        data = self._copied(SQL("COPY (" + one.format("{columns}") + ") TO STDOUT").format(**names)).encode()
        yield Change(f"copy into {relation}", SQL("COPY {table} ({columns}) FROM STDIN").format(**names), (), data)
        update = SQL("UPDATE {table} SET {first} = {first}").format(first=first, **names)
        yield Change(f"update {relation}", update, foreign=False)
        yield Change(f"delete from {relation}", SQL("DELETE FROM {table}").format(**names), foreign=False)
        if relation.kind != "v":
            yield Change(f"empty {relation}", SQL("TRUNCATE {table} CASCADE").format(**names), foreign=False)

    def _try(
        self, change: Change, context: Sequence[Statement], mark: str, before: list[Row], findings: Findings
    ) -> None:
        with self._noting(change.what, [mark], findings, strict=change.foreign), self._as_account(context):
            if change.data is None:
                self._superuser.execute(change.statement, change.values)
            else:
                with self._superuser.cursor() as cursor, cursor.copy(change.statement) as copy:
                    copy.write(change.data)
            self._superuser.execute("RESET SESSION AUTHORIZATION")
            if rows_with(self._superuser, mark) != before:
                findings.reached.append(change.what)

    @contextmanager
    def _noting(self, what: str, marks: Sequence[str], findings: Findings, strict: bool = False) -> Iterator[None]:
        """Notes a refusal. `strict`: one that is not for want of permission came so late that others' rows were met."""
        findings.tried += 1
        try:
            yield
        except psycopg.Error as error:
            state = error.sqlstate or "08000"
            if state.startswith(_NOT_TOLD) and state not in (NO_PERMISSION, *_NEVER):
                raise ProbeError(f"PostgreSQL did not say what comes of it to {what}: {error}") from error
            findings.refused[what] = state
            findings.show(marks, str(error), f"the message to {what}")
            if strict and state != NO_PERMISSION and state not in _NEVER:
                findings.reached.append(f"{what} ({error})")

    @contextmanager
    def _as_account(self, context: Sequence[Statement]) -> Iterator[None]:
        """What is done inside is done as the account, in the name that `context` says, and is taken back."""
        with self._aside():
            self._superuser.execute(SQL("SET LOCAL SESSION AUTHORIZATION {}").format(Identifier(self._role)))
            for statement, values in context:
                self._superuser.execute(statement.encode(), values)
            yield

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is done inside is taken back."""
        with self._superuser.transaction(force_rollback=True):
            yield

    def _copied(self, statement: Composed) -> str:
        with self._superuser.cursor() as cursor, cursor.copy(statement) as copy:
            return b"".join(bytes(part) for part in copy).decode(errors="replace")

    def _relation(self, oid: int, schema: str, name: str, kind: str) -> Relation:
        columns, key = (
            tuple(column for (column,) in self._superuser.execute(query, [oid]).fetchall())
            for query in (_COLUMNS, _KEY)
        )
        return Relation(schema, name, kind, columns, key)


def _otherwise(relation: Relation) -> Composed:
    """What an INSERT does instead where there is such a row."""
    if not relation.key:
        return Composed([SQL(" ON CONFLICT DO NOTHING")])
    key, first = SQL(", ").join(map(Identifier, relation.key)), Identifier(relation.key[0])
    return SQL(" ON CONFLICT ({}) DO UPDATE SET {} = EXCLUDED.{}").format(key, first, first)
