"""One scenario of migrations: its database, the migrators that are run, and what is compared before and after."""

from collections.abc import Callable, Sequence

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
_NOT_READY_FOR_S = 0.5
_SMALL, _LARGE = (1, 99), (2**31, 9_999_999_999)  # amounts in cents; the larger ones take more than four bytes
_LETTERS = "aZ09 äßñŁЖあ語€😀'\"\\%;:-_{}\n\t"
Contents = dict[str, tuple[int, str]]


class World(world.World[Adapter]):
    """What the steps of one scenario share. `before` is how the database was when something was tried."""

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
        self.revisions.forget()
        self.count = count

    def use_noted_database(self, release: int, count: int) -> None:
        """The same with a note of its schema from before each revision; "before" is how it was in release 1."""
        self._copy(1, count)
        self.remember()
        self._copy(release, count)

    def use_edited_database(self, release: int) -> None:
        """One that was brought to `release` when the newest revision of release 1 still was another."""
        self._make(f"kept_unedited_{release}", lambda: self._build_new(self.old.up_unedited(release)))

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

    def attempt(self, errand: Errand) -> None:
        """Runs a command of which nobody knows how it ends. "Before" is as the database is now."""
        self.remember()
        self.run(errand)

    def start(self, errand: Errand, name: str = "migrator-1") -> None:
        """Starts it, and does not wait for it."""
        self.fleet.command(name, errand.words, errand.settings).start()

    def await_end(self, name: str = "migrator-1") -> Ended:
        """How it ended."""
        self.last = self.fleet.commands[name].ended(_ENDS_WITHIN_S)
        return self.last

    def migrate(self, release: int) -> None:
        """Forward, or back, to the state of `release` (1 to 3), which must succeed. AssertionError if not."""
        self.run(self.errand(release))
        self.expect_success()
        self.expect_release(release)

    def errand(self, release: int) -> Errand:
        """What brings the database to `release`, by the newest image that there is where the way is back."""
        there = self.release_there()
        if release >= there:
            return self.old.up(release)
        return self.old.down(there, self.names(release)[-1])

    def release_there(self) -> int:
        """The release of the newest revision that the database has had; 0 for none."""
        applied = self.probe.applied() if set(self.tables.bookkeeping) <= set(self.probe.names()) else []
        return max((one.release for one in self.history.revisions if one.name in applied), default=0)

    def expect_success(self) -> None:
        """The last command ended well. AssertionError with what it said."""
        must(self.last.exit_code == 0, f"the migrator ended with {self.last.exit_code}:\n{self.last.output[-1500:]}")

    def expect_release(self, release: int) -> None:
        """The database has had every revision up to `release`, each once. AssertionError if not."""
        assert_that(self.probe.applied(), equal_to(self.names(release)), "revisions that the database has had")

    def expect_failure(self) -> None:
        """The last command said by its exit code that it failed. AssertionError if not."""
        must(self.last.exit_code != 0, f"the migrator ended as if all was well:\n{self.last.output[-1500:]}")

    def expect_refusal(self, reason: str) -> None:
        """The last command failed, and named `reason`. AssertionError if not."""
        self.expect_failure()
        assert_that(self.last.output, contains_string(reason), "what it said")

    # What must hold

    def expect_not_ready(self, *apps: Adapter) -> None:
        """Each of `apps` says that it cannot serve, and goes on saying so for a while. AssertionError if not."""
        ready = poll(lambda: [app.name for app in apps if app.ready()], _NOT_READY_FOR_S)
        assert_that(ready, empty(), "who says to be ready")

    def expect_unchanged(self) -> None:
        """Schema and rows are as before. AssertionError with what differs."""
        self.expect_schema(self.schema_before, "the schema")
        changed = _changed(self.contents_before, self.probe.contents())
        assert_that(changed, empty(), "tables with other rows than before")

    def expect_nothing_put_aside(self) -> None:
        """Beside the invoices there is what there was before the way there and back. AssertionError if not."""
        assert_that(_changed(self.beside_before, self.probe.contents_beside_invoices()), empty(), "what is left over")

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
        draw, fresh = self.draw(), self.fresh("invoice")
        first, second, small = draw.randint(*_LARGE), draw.randint(*_LARGE), draw.randint(*_SMALL)
        self.used = {fresh: second, "old-2": small}
        told = [app.issue(fresh, first), app.correct(fresh, second), app.correct("old-2", small)]
        shown = {name: app.read(name) for name in self.used}
        assert_that(told, equal_to([Outcome.DONE] * 3), f"{app.name}: issuing and correcting, {draw}")
        amounts = {name: one.cents if isinstance(one, Invoice) else one for name, one in shown.items()}
        assert_that(amounts, equal_to(self.used), f"{app.name}: what it shows, {draw}")

    def expect_used(self, release: int) -> None:
        """What was written stands in the database once, in each form that `release` keeps. AssertionError if not."""
        forms = ([self.probe.euros()] if release < 3 else []) + ([self.probe.cents()] if release > 1 else [])
        for form in forms:
            found = sorted(one for one in form if one[0] in self.used)
            assert_that(found, equal_to(sorted(self.used.items())), "in the database")

    def refused(self, statement: str) -> bool:
        """Whether the database refuses the second invoice of a reference that is there."""
        try:
            self.probe.change(statement, reference="old-1")
        except psycopg.errors.UniqueViolation:
            return True
        return False

    def holder(self) -> Holder:
        """Somebody with a transaction of their own."""
        return self.opened(Holder(self.server))

    # Release by release

    def names(self, release: int) -> list[str]:
        """The revisions of all releases up to `release`."""
        return [one.name for one in self.history.revisions if one.release <= release]

    def migrate_new_database(self, release: int) -> None:
        """A new database, with nothing but the roles, is migrated in one go; "before" is how the other one was."""
        self.remember()
        self._build_new(self.old.up(release))

    def expect_same_schema(self) -> None:
        """The new database is like the one before. AssertionError with what differs."""
        self.expect_schema(self.schema_before, "the schema of the new database")

    # Notes

    def issue_with_notes(self, count: int, length: int) -> None:
        """Through the new app, with notes of any characters that people write; `length` is that of the longest."""
        self.expect_ready(self.new)
        draw = self.draw()
        lengths = [length, *(draw.randint(1, length) for _ in range(count - 1))]
        notes = ["".join(draw.choices(_LETTERS, k=one)) for one in lengths]
        self.noted = {self.fresh("invoice"): Invoice(draw.randint(*_LARGE), note) for note in notes}
        for name, one in self.noted.items():
            assert_that(self.new.issue(name, one.cents, one.note), equal_to(Outcome.DONE), f"issuing, {draw}")
        self.beside_before = self.probe.contents_beside_invoices()

    def expect_notes(self) -> None:
        """The new app shows them as they were issued. AssertionError if not."""
        shown = {name: self.new.read(name) for name in self.noted}
        assert_that(shown, equal_to(self.noted), f"what the new app shows, {self.draw()}")

    # Building

    def _copy(self, release: int, count: int) -> None:
        self._make(f"kept_{release}_{count}", lambda: self._build(release, count))

    def _make(self, kept: str, build: Callable[[], None]) -> None:
        self.databases.make(kept, build)
        self.probe = self.opened(Probe(self.server, self.tables))

    def _build(self, release: int, count: int) -> None:
        """Revision by revision, with the invoices in it since release 1, and notes of the schema since then."""
        if release == 1:
            self._make("kept_1", lambda: self._build_new(self.old.up(1)))
            return self.probe.change(self.tables.fill, count=count)
        self._copy(1, count)
        self.revisions.note()
        self.run(self.old.up(release))
        self.expect_success()

    def _build_new(self, errand: Errand) -> None:
        self._make("kept_new", self._provision)
        self.run(errand)
        self.expect_success()

    def _provision(self) -> None:
        self.databases.make_empty()
        self.run(self.old.provision())
        self.expect_success()


def _changed(before: Contents, now: Contents) -> Sequence[str]:
    """What became of tables whose rows are others than before; (rows, checksum) each."""
    names = sorted(before.keys() | now.keys())
    return [f"{name}: {before.get(name)} -> {now.get(name)}" for name in names if before.get(name) != now.get(name)]


def expect_same(now: Schema, expected: Schema, what: str) -> None:
    """AssertionError with the statements of pg_dump that differ."""
    assert_that(list((now - expected).elements())[:3], empty(), f"{what}: there, and should not be")
    assert_that(list((expected - now).elements())[:3], empty(), f"{what}: not there, and should be")
