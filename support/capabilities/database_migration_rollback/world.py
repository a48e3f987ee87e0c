"""One scenario of migrations: its database, the migrators that are run, and what is compared before and after."""

from collections.abc import Sequence

import psycopg
from hamcrest import assert_that, contains_string, empty, equal_to

from support.capabilities.database_migration_rollback.client import Adapter, Errand, Invoice, Outcome
from support.capabilities.database_migration_rollback.customers import Customers
from support.capabilities.database_migration_rollback.databases import Databases
from support.capabilities.database_migration_rollback.holder import Holder
from support.capabilities.database_migration_rollback.probe import Probe, Schema
from support.capabilities.database_migration_rollback.revisions import Revisions
from support.capabilities.database_migration_rollback.rights import Rights
from support.capabilities.database_migration_rollback.runners import Runners
from support.capabilities.database_migration_rollback.waiting import Waiting
from support.containers.platform import Ended
from support.faults.faults import Faults
from support.polling import poll
from support.promise import must
from support.worlds import world
from support.worlds.world import part

_ENDS_WITHIN_S = 40.0  # a migrator that waits for somebody gives up before
_READY_WITHIN_S = 10.0
_NOT_READY_FOR_S = 1.0
Contents = dict[str, tuple[int, str]]


class World(world.World[Adapter]):
    """What the steps of one scenario share. `before` is how the database was when the scenario began."""

    runners = part(Runners)
    waiting = part(Waiting)
    rights = part(Rights)
    revisions = part(Revisions)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.old, self.new = self.nodes
        self.server = self.fleet.stores["postgres"]
        self.tables, self.roles, self.history = self.old.tables(), self.old.roles(), self.old.history()
        self.databases = Databases(self.server)
        self.last = Ended(0, "", 0.0)

    def close(self) -> None:
        """As every world; the migrators are removed."""
        super().close()
        for name in list(self.fleet.commands):
            self.fleet.commands.pop(name).close()

    # The database

    def use_database(self, release: int, count: int) -> None:
        """A database of `release`, with `count` invoices that were made in release 1."""
        self._copy(release, count)
        self.begin()

    def use_edited_database(self, release: int) -> None:
        """One that was brought to `release` when the newest revision of release 1 still was another."""
        self.databases.make(f"kept_unedited_{release}", lambda: self._build_unedited(release))
        self.begin()

    def begin(self) -> None:
        """Remembers how the database is now."""
        self.probe = self.opened(Probe(self.server, self.tables))
        self.remember()

    def remember(self) -> None:
        """From now on "before" is as the database is now."""
        self.schema_before, self.contents_before = self.probe.schema(), self.probe.contents()

    def expect_ready(self, *apps: Adapter) -> None:
        """Each of `apps` says that it can serve. AssertionError with those that do not."""
        for app in apps:
            ready = poll(lambda app=app: app.ready(), _READY_WITHIN_S)  # type: ignore[misc]
            must(ready, f"{app.name} was not ready within {_READY_WITHIN_S:g} s")

    # Migrators

    def run(self, errand: Errand, name: str = "migrator-1") -> Ended:
        """Runs a command of the platform to its end."""
        self.last = self.fleet.command(name, errand.words, errand.settings).run(_ENDS_WITHIN_S)
        return self.last

    def start(self, errand: Errand, name: str = "migrator-1") -> None:
        """Starts it, and does not wait for it."""
        self.fleet.command(name, errand.words, errand.settings).start()

    def await_end(self, name: str = "migrator-1") -> Ended:
        """How it ended."""
        self.last = self.fleet.commands[name].ended(_ENDS_WITHIN_S)
        return self.last

    def migrate(self, release: int, to: str = "") -> None:
        """Forward, or back, to the state of `release` (0: nothing), which must succeed. AssertionError if not."""
        self.run(self.errand(release, to))
        self.expect_success()

    def errand(self, release: int, to: str = "") -> Errand:
        """What brings the database to `release`, by the newest image that there is where the way is back."""
        there = self.release_there()
        if release >= there:
            return self.old.up(release, to)
        last = [one.name for one in self.history.revisions if one.release <= release]
        return self.old.down(there, to or (last[-1] if last else ""))

    def release_there(self) -> int:
        """The release of the newest revision that the database has had; 0 for none."""
        applied = self.probe.applied() if set(self.tables.bookkeeping) <= set(self.probe.names()) else []
        return max((one.release for one in self.history.revisions if one.name in applied), default=0)

    def expect_success(self) -> None:
        """The last command ended well. AssertionError with what it said."""
        must(self.last.exit_code == 0, f"the migrator ended with {self.last.exit_code}:\n{self.last.output[-1500:]}")

    def expect_failure(self) -> None:
        """The last command said by its exit code that it failed. AssertionError if not."""
        must(self.last.exit_code != 0, f"the migrator ended as if all was well:\n{self.last.output[-1500:]}")

    def expect_refusal(self, reason: str) -> None:
        """The last command failed, and named `reason`. AssertionError if not."""
        self.expect_failure()
        assert_that(self.last.output, contains_string(reason), "what it said")

    # What must hold

    def expect_not_ready(self, app: Adapter) -> None:
        """`app` says that it cannot serve, and goes on saying so for a second. AssertionError if not."""
        must(not poll(app.ready, _NOT_READY_FOR_S), f"{app.name} says that it is ready")

    def expect_unchanged(self) -> None:
        """Schema and rows are as before. AssertionError with what differs."""
        self.expect_schema(self.schema_before, "the schema")
        changed = _changed(self.contents_before, self.probe.contents())
        assert_that(changed, empty(), "tables with other rows than before")

    def expect_contents_as_before(self) -> None:
        """What customers have entered is as before, whatever revisions there were meanwhile. AssertionError if not."""
        now = self.probe.customers_contents()
        before = {name: told for name, told in self.contents_before.items() if name not in self.tables.bookkeeping}
        assert_that(_changed(before, now), empty(), "tables with other rows than before")

    def expect_schema(self, expected: Schema, what: str) -> None:
        """The schema is as `expected`. AssertionError with the statements of pg_dump that differ."""
        expect_same(self.probe.schema(), expected, what)

    # Customers

    def customers_begin(self, *apps: Adapter) -> None:
        """They write through `apps` from now on."""
        release = self.release_there()
        amounts = dict(self.probe.euros() if release < 3 else self.probe.cents())
        self.expect_ready(*apps)
        self.customers = self.opened(Customers(apps, amounts))
        self.customers.begin()

    def expect_customers_served(self) -> None:
        """They end; none was refused, or told another amount than the last. AssertionError with what was."""
        self.customers.await_more()
        self.customers.end()
        self.customers.expect_none_wronged()

    def app(self, name: str) -> Adapter:
        """The app that sentences call so: "old" or "new"."""
        return {"old": self.old, "new": self.new}[name]

    def use(self, app: Adapter) -> None:
        """Through `app` an invoice is issued, corrected and read, and one that was there before likewise."""
        self.expect_ready(app)
        self.fresh_one = self.fresh("invoice")
        told = [app.issue(self.fresh_one, 1250), app.correct(self.fresh_one, 1399), app.correct("old-2", 77)]
        shown = [app.read(name) for name in (self.fresh_one, "old-2")]
        assert_that(told, equal_to([Outcome.DONE] * 3), f"{app.name}: issuing and correcting")
        amounts = [one.cents if isinstance(one, Invoice) else one for one in shown]
        assert_that(amounts, equal_to([1399, 77]), f"{app.name}: what it shows")

    def expect_used(self, release: int) -> None:
        """What was written stands in the database once, in each form that `release` keeps. AssertionError if not."""
        forms = ([self.probe.euros()] if release < 3 else []) + ([self.probe.cents()] if release > 1 else [])
        for form in forms:
            found = sorted(one for one in form if one[0] in (self.fresh_one, "old-2"))
            assert_that(found, equal_to([(self.fresh_one, 1399), ("old-2", 77)]), "in the database")

    def refused(self, statement: str) -> bool:
        """Whether the database refuses the second invoice of a reference that is there."""
        try:
            self.probe.change(statement, reference="old-1")
        except psycopg.errors.UniqueViolation:
            return True
        return False

    def holder(self) -> Holder:
        """Somebody with a transaction of their own."""
        return self.opened(Holder(self.server, self.tables))

    # Release by release

    def names(self, release: int) -> list[str]:
        """The revisions of all releases up to `release`."""
        return [one.name for one in self.history.revisions if one.release <= release]

    def migrate_new_database(self, release: int) -> None:
        """A new database, with nothing but the roles, is migrated in one go; "before" is how the other one was."""
        self.databases.make("kept_new", self._provision)
        self.run(self.old.up(release))
        self.expect_success()
        self.probe = self.opened(Probe(self.server, self.tables))

    def expect_same_schema(self) -> None:
        """The new database is like the one before. AssertionError with what differs."""
        self.expect_schema(self.schema_before, "the schema of the new database")

    def migrate_before(self, revision: str) -> None:
        """Forward to just before `revision`."""
        names = [one.name for one in self.history.revisions]
        self.run(self.old.up(2, names[names.index(revision) - 1]))
        self.expect_success()

    def mend_unlawful(self) -> None:
        """It is gone, and the migration succeeds."""
        self.probe.change(self.tables.unlawful.undo)
        self.migrate(2)
        assert_that(self.probe.applied(), equal_to(self.names(2)), "revisions that the database has had")

    # Notes

    def issue_with_note(self, length: int = 20) -> None:
        """Through the new app, with a note of `length` characters."""
        self.expect_ready(self.new)
        self.fresh_one, self.note = self.fresh("invoice"), ("paid by card, " * length)[:length]
        assert_that(self.new.issue(self.fresh_one, 500, self.note), equal_to(Outcome.DONE), "issuing")

    def expect_note(self) -> None:
        """The new app shows it as it was issued. AssertionError if not."""
        assert_that(self.new.read(self.fresh_one), equal_to(Invoice(500, self.note)), "what the new app shows")

    # Building

    def _provision(self) -> None:
        self.databases.make_empty()
        self.run(self.old.provision())
        self.expect_success()

    def _copy(self, release: int, count: int) -> None:
        self.databases.make(f"kept_{release}_{count}", lambda: self._build(release, count))

    def _build(self, release: int, count: int) -> None:
        """Release by release, with the invoices in it since release 1."""
        if release == 1:
            self.databases.make("kept_1", lambda: self._build_new(self.old.up(1)))
            probe = Probe(self.server, self.tables)
            probe.change(self.tables.fill, count=count)
            probe.close()
        else:
            self._copy(release - 1, count)
            self.run(self.old.up(release))
            self.expect_success()

    def _build_unedited(self, release: int) -> None:
        self._build_new(self.old.up_unedited(release))

    def _build_new(self, errand: Errand) -> None:
        self.databases.make("kept_new", self._provision)
        self.run(errand)
        self.expect_success()


def _changed(before: Contents, now: Contents) -> Sequence[str]:
    """What became of tables whose rows are others than before; (rows, checksum) each."""
    names = sorted(before.keys() | now.keys())
    return [f"{name}: {before.get(name)} -> {now.get(name)}" for name in names if before.get(name) != now.get(name)]


def expect_same(now: Schema, expected: Schema, what: str) -> None:
    """AssertionError with the statements of pg_dump that differ."""
    assert_that(list((now - expected).elements())[:3], empty(), f"{what}: there, and should not be")
    assert_that(list((expected - now).elements())[:3], empty(), f"{what}: not there, and should be")
