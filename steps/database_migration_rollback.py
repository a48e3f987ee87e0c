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


@step("the database is migrated to release {release:Count}")
def migrate(context: Context, release: int) -> None:
    context.world.migrate(release)


@when("the database is migrated to release {there:Count} and back to release {back:Count}")
def migrate_there_and_back(context: Context, there: int, back: int) -> None:
    context.world.migrate(there)
    context.world.migrate(back)


@then("the migration succeeds")
def succeeds(context: Context) -> None:
    context.world.expect_success()


@then("every table has the rows that it had before")
def rows_as_before(context: Context) -> None:
    context.world.expect_contents_as_before()


# Customers


@given("customers issue and correct invoices through both apps all the while")
def customers_begin(context: Context) -> None:
    context.world.customers_begin()


@then("no customer was refused")
def none_refused(context: Context) -> None:
    context.world.expect_customers_served()


@then("every invoice is as it was last written, in euros and in cents")
def invoices_kept(context: Context) -> None:
    world = context.world
    world.customers.expect_kept(world.probe.euros(), "in euros")
    world.customers.expect_kept(world.probe.cents(), "in cents")


# Several runners


@when("{count:Count} migrators to release {release:Count} reach the database at once")
def migrate_at_once(context: Context, count: int, release: int) -> None:
    context.world.runners.migrate_at_once(count, release)


@then("all of them succeed")
def all_succeed(context: Context) -> None:
    context.world.runners.expect_all_succeeded()


@then("everything was made once, and the database has had each revision of release {release:Count} once")
def made_once(context: Context, release: int) -> None:
    context.world.runners.expect_made_once()
    context.world.runners.expect_each_revision_once(release)


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
    context.world.waiting.start(release)


# A migrator that dies


@given(
    "a migration to release {release:Count} stands before an invoice in the middle, which somebody is about to change"
)
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


@then("once the backup is done, another migrator succeeds")
def another_succeeds(context: Context) -> None:
    context.world.waiting.leave()
    context.faults.heal()
    context.world.migrate(2)


# A migration that fails


@given("it is migrated up to the revision that brings the rule, and holds an invoice that does not keep to it")
def unlawful_invoice(context: Context) -> None:
    context.world.plant_unlawful()


@when("a migration to release {release:Count} is tried")
def try_to_migrate(context: Context, release: int) -> None:
    context.world.run(context.world.old.up(release))


@when("a migration by the image of release {release:Count} is tried")
def try_by_older_image(context: Context, release: int) -> None:
    context.world.run(context.world.old.up(release))


@when("migrations are tried")
def try_what_cannot_be(context: Context) -> None:
    context.world.runners.try_impossible([row["what"] for row in context.table])


@then("it fails, and schema and rows are as before")
def fails(context: Context) -> None:
    context.world.expect_failure()
    context.world.expect_unchanged()


@then("once the invoice is gone, it succeeds")
def succeeds_without(context: Context) -> None:
    context.world.mend_unlawful()


@then("each of them fails, and schema and rows are as before")
def all_fail(context: Context) -> None:
    context.world.runners.expect_all_failed()
    context.world.expect_unchanged()


@then("it fails, naming the newest revision, and schema and rows are as before")
def fails_naming(context: Context) -> None:
    context.world.expect_refusal(context.world.newest)
    context.world.expect_unchanged()


# The index


@given("it has gone back to before the revision that builds the index")
def before_the_index(context: Context) -> None:
    context.world.migrate_before(context.world.history.indexing)


@when("a migration to release {release:Count} fails to build the index, until the backup is done")
def half_built(context: Context, release: int) -> None:
    context.world.waiting.build_half(release)


@then("the index is whole, and a second invoice with the reference of another is refused")
def index_holds(context: Context) -> None:
    context.world.waiting.expect_index_holds()


# Back


@then("every invoice is as it was last written, in euros")
def invoices_kept_in_euros(context: Context) -> None:
    context.world.customers.expect_kept(context.world.probe.euros(), "in euros")


@given("the new app was given an invoice with a note")
def invoice_with_note(context: Context) -> None:
    context.world.issue_with_note()


@then("the new app shows the invoice with its note")
def note_is_back(context: Context) -> None:
    context.world.expect_note()


@given("the database is migrated to release {release:Count}, one release after the other")
def migrate_one_by_one(context: Context, release: int) -> None:
    context.world.migrate_one_by_one(release)


@when("it is migrated back to release {release:Count}, one release after the other")
def back_one_by_one(context: Context, release: int) -> None:
    context.world.back_one_by_one(release)


@then("after each release the schema was as it had been on the way there")
def no_trace(context: Context) -> None:
    context.world.expect_no_trace()


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


@given("its newest revision was another one when it was applied")
def edited(context: Context) -> None:
    context.world.edit_history()


@then("the {name:w} app is ready all the same")
def is_ready(context: Context, name: str) -> None:
    context.world.expect_ready(context.world.app(name))


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
