"""Sentences of migrations."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, step, then, when

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World
    from support.faults.faults import Faults


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any
    faults: "Faults"


# The database


@given("a database of release {release:Count} with {count:Count} invoices")
def a_database(context: Context, release: int, count: int) -> None:
    context.world.use_database(release, count)


@given("a database of release {release:Count} with {count:Count} invoices, whose schema was noted before each revision")
def a_noted_database(context: Context, release: int, count: int) -> None:
    context.world.use_noted_database(release, count)


@when("a database of release {release:Count} with {count:Count} invoices takes its place")
def take_its_place(context: Context, release: int, count: int) -> None:
    context.world.use_database(release, count)


@step("the database is migrated to release {release:Count}")
def migrate(context: Context, release: int) -> None:
    context.world.migrate(release)


@when("the database is migrated to release {there:Count} and back to release {back:Count}")
def migrate_there_and_back(context: Context, there: int, back: int) -> None:
    context.world.migrate(there)
    context.world.migrate(back)


@then("the migration succeeds")
def succeeds(context: Context) -> None:
    context.world.waiting.expect_done()


# Customers


@given("customers issue, read and correct invoices through both apps all the while")
def customers_begin(context: Context) -> None:
    context.world.customers_begin(context.world.old, context.world.new)


@given("customers issue, read and correct invoices through the {name:w} app all the while")
def customers_of_one_begin(context: Context, name: str) -> None:
    context.world.customers_begin(context.world.app(name))


@given("a migration takes {time:Duration} for each invoice that it changes")
def slow_migration(context: Context, time: float) -> None:
    """As many more invoices would take it."""
    context.world.probe.slow_down(context.world.roles.migrator, time)


@then("no customer was refused or shown a wrong amount")
def none_refused(context: Context) -> None:
    context.world.expect_customers_served()


@then("every invoice is as it was last written, in euros and in cents")
def invoices_kept(context: Context) -> None:
    world = context.world
    world.customers.expect_kept(world.probe.euros(), "in euros")
    world.customers.expect_kept(world.probe.cents(), "in cents")


# Several runners


@when(
    "{count:Count} migrators to release {release:Count} are started at once, and the backup takes {time:Duration} more"
)
def migrate_at_once(context: Context, count: int, release: int, time: float) -> None:
    context.world.runners.migrate_at_once(count, release, time)


@then("all of them succeed")
def all_succeed(context: Context) -> None:
    context.world.runners.expect_all_succeeded()


@then("everything was made once, and the database has had each revision of release {release:Count} once")
def made_once(context: Context, release: int) -> None:
    context.world.runners.expect_made_once()
    context.world.expect_release(release)


# Those who wait


@given("a backup has read every table, and is not done yet")
def backup_reads(context: Context) -> None:
    context.world.waiting.read_everything()


@when("a migration to release {release:Count} waits for the backup, which takes {time:Duration} more")
def migrate_behind_backup(context: Context, release: int, time: float) -> None:
    context.world.waiting.migrate_behind(release, time)


@then("nobody who read invoices meanwhile waited for more than {limit:Duration}")
def readers_served(context: Context, limit: float) -> None:
    context.world.waiting.expect_readers_served(limit)


@step("a migration to release {release:Count} waits for the backup")
def waits_for_backup(context: Context, release: int) -> None:
    context.world.remember()
    context.world.waiting.start(release)


# A migrator that dies


@given("a migration to release {release:Count} is held up at an invoice in the middle")
def stands_in_the_middle(context: Context, release: int) -> None:
    context.world.waiting.stand_in_the_middle(release)


@when("another migrator brings the database to release {release:Count}")
def run_again(context: Context, release: int) -> None:
    context.world.waiting.leave()
    context.world.migrate(release)


@then("at most {count:Count} invoices were carried over more than once")
def little_repeated(context: Context, count: int) -> None:
    context.world.waiting.expect_little_repeated(count)


@then("within {deadline:Duration} nothing of it is left in the database, and schema and rows are as before")
def nothing_left(context: Context, deadline: float) -> None:
    context.world.waiting.expect_nothing_left(deadline)
    context.world.expect_unchanged()


@then("the migrator says that it failed")
def says_that_it_failed(context: Context) -> None:
    context.world.await_end()
    context.world.expect_failure()


# A migration that fails


@given(
    "a database of release {release:Count} with {count:Count} invoices "
    "and one that does not keep to a rule of release 2"
)
def unlawful_invoice(context: Context, release: int, count: int) -> None:
    context.world.use_database(release, count)
    context.world.probe.change(context.world.tables.unlawful)


@when("a migration to release {release:Count} is tried")
def try_to_migrate(context: Context, release: int) -> None:
    context.world.attempt(context.world.old.up(release))


@when("a migration by the image of release {release:Count} is tried")
def try_by_older_image(context: Context, release: int) -> None:
    context.world.attempt(context.world.old.up(release))


@when("migrations are tried")
def try_what_cannot_be(context: Context) -> None:
    context.world.runners.try_impossible([row["what"] for row in context.table])


@then("it fails, and the schema is that of the revision before the one with the rule")
def fails(context: Context) -> None:
    context.world.expect_failure()
    context.world.revisions.expect_stopped_before(context.world.history.checking)


@then("each of them fails, and schema and rows are as before")
def all_fail(context: Context) -> None:
    context.world.runners.expect_all_failed()
    context.world.expect_unchanged()


@then("it fails, naming the newest revision of release {release:Count}, and schema and rows are as before")
def fails_naming(context: Context, release: int) -> None:
    context.world.expect_refusal(context.world.names(release)[-1])
    context.world.expect_unchanged()


# The index


@given("a report on something else is under way")
def report_goes_on(context: Context) -> None:
    context.world.waiting.read_something_else()


@when("a migration to release {release:Count} fails to build the index, until the report is done")
def half_built(context: Context, release: int) -> None:
    context.world.waiting.build_half(release)


@then("the index is whole, and a second invoice with the reference of another is refused")
def index_holds(context: Context) -> None:
    context.world.waiting.expect_index_holds()


# Back


@given("the new app was given {count:Count} invoices with notes of up to {length:Count} characters")
def invoices_with_notes(context: Context, count: int, length: int) -> None:
    context.world.issue_with_notes(count, length)


@then("an invoice that the new app is given now keeps its note")
def notes_are_kept(context: Context) -> None:
    context.world.issue_with_notes(1, 20)
    context.world.expect_notes()


@then("the new app shows the notes again, and nothing that was put aside is left")
def notes_are_back(context: Context) -> None:
    context.world.expect_notes()
    context.world.expect_nothing_put_aside()


@given("the schema is noted after each revision from now on")
def note_each_revision(context: Context) -> None:
    context.world.revisions.note()


@then("after each revision that was taken back the schema was as it had been before that revision came")
def no_trace(context: Context) -> None:
    context.world.revisions.expect_no_trace()


@then("schema and rows are as they were in release 1")
def as_before(context: Context) -> None:
    context.world.expect_unchanged()


@when("a new database is migrated to release {release:Count}")
def migrate_new_database(context: Context, release: int) -> None:
    context.world.migrate_new_database(release)


@then("its schema is the same")
def same_schema(context: Context) -> None:
    context.world.expect_same_schema()


# Releases beside each other


@when("an invoice is issued, corrected and read through the {name:w} app")
def use_app(context: Context, name: str) -> None:
    context.world.use(context.world.app(name))


@then("it stands in the database as it was written, in each form that release {release:Count} keeps")
def stands_in_database(context: Context, release: int) -> None:
    context.world.expect_used(release)


@given("a database of release {release:Count}, whose revision of release 1 was another one when it was applied")
def edited(context: Context, release: int) -> None:
    context.world.use_edited_database(release)


@step("the {name:w} app is ready")
def is_ready(context: Context, name: str) -> None:
    context.world.expect_ready(context.world.app(name))


@then("neither app is ready")
def none_is_ready(context: Context) -> None:
    context.world.expect_not_ready(context.world.old, context.world.new)


@then("the {name:w} app is not ready")
def is_not_ready(context: Context, name: str) -> None:
    context.world.expect_not_ready(context.world.app(name))


# Roles


@when("the role that the apps are seen to use tries to make, change and drop tables, and to rewrite history")
def try_as_app(context: Context) -> None:
    context.world.rights.try_all()


@then("each try is refused, and schema and rows are as before")
def all_refused(context: Context) -> None:
    context.world.rights.expect_all_refused()
    context.world.expect_unchanged()


@then("all tables belong to the role of migrations, which is no administrator")
def owned_by_migrator(context: Context) -> None:
    context.world.rights.expect_migrator_owns_all()
