"""The schema after each revision, forward and back: PostgreSQL itself notes it when a revision is committed."""

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, equal_to

from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World

# All is in a schema of its own, which goes as a whole. The note is taken at the commit, when every table that tells
# which revisions there were has been written.
_NOTE = """
    CREATE SCHEMA l3_schema;
    CREATE VIEW l3_schema.seen AS
        SELECT attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' not null: '
            || attnotnull || ' default: ' || coalesce(pg_get_expr(adbin, adrelid), '') AS what
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't'
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgname <> 'l3_note'
        UNION ALL SELECT pg_get_functiondef(oid)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f';
    CREATE TABLE l3_schema.notes (id bigint GENERATED ALWAYS AS IDENTITY, applied text[], seen text[]);
    CREATE FUNCTION l3_schema.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO l3_schema.notes (applied, seen)
            SELECT ARRAY({applied} ORDER BY 1), ARRAY(SELECT what FROM l3_schema.seen ORDER BY 1);
            RETURN NULL;
        END $$;
    INSERT INTO l3_schema.notes (applied, seen)
    SELECT ARRAY({applied} ORDER BY 1), ARRAY(SELECT what FROM l3_schema.seen ORDER BY 1);"""
_NOTE_AFTER = """
    CREATE CONSTRAINT TRIGGER l3_note AFTER INSERT OR UPDATE OR DELETE ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION l3_schema.note();"""
_NOTES = "SELECT applied, seen FROM l3_schema.notes ORDER BY id"
_NOW = "SELECT what FROM l3_schema.seen ORDER BY 1"
_FORGET = "DROP SCHEMA IF EXISTS l3_schema CASCADE"


class Note(NamedTuple):
    """The revisions that the database had had at a moment, and what there was in its schema: a text for each thing."""

    applied: tuple[str, ...]
    seen: Counter[str]


class Revisions:
    """The notes of one scenario."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def note(self) -> None:
        """The first one now, and one after each revision from now on."""
        tables = self._world.tables
        after = "".join(_NOTE_AFTER.format(table=name) for name in tables.bookkeeping)
        self._world.probe.change(_NOTE.format(applied=tables.applied) + after)

    def forget(self) -> None:
        """Ends the notes, where there are some."""
        self._world.probe.change(_FORGET)

    def expect_no_trace(self) -> None:
        """On the way back each note is as on the way there. Ends the notes. AssertionError with what differs."""
        notes = self._notes()
        self.forget()
        furthest = max(range(len(notes)), key=lambda place: len(notes[place].applied))
        there = dict(notes[: furthest + 1])
        for note in notes[furthest + 1 :]:
            must(note.applied in there, f"revisions {note.applied} were never there together on the way there")
            _expect_same(note.seen, there[note.applied], f"the schema on the way back, with {note.applied}")

    def expect_stopped_before(self, revision: str) -> None:
        """The database has had the revisions before this one, and its schema is theirs. AssertionError if not."""
        names = [one.name for one in self._world.history.revisions]
        assert_that(self._world.probe.applied(), equal_to(names[: names.index(revision)]), "revisions that there were")
        now = Counter(what for (what,) in self._world.probe.rows(_NOW))
        _expect_same(now, self._notes()[-1].seen, "the schema after the failure")

    def _notes(self) -> list[Note]:
        return [Note(tuple(applied), Counter(seen)) for applied, seen in self._world.probe.rows(_NOTES)]


def _expect_same(now: Counter[str], expected: Counter[str], what: str) -> None:
    assert_that(sorted((now - expected).elements()), equal_to([]), f"{what}: there, and should not be")
    assert_that(sorted((expected - now).elements()), equal_to([]), f"{what}: not there, and should be")
