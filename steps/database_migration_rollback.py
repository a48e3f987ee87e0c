"""Sentences of migrations."""

from typing import TYPE_CHECKING, Protocol

from behave import given, step, then, when

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


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


# A migration that fails


@given("it is migrated up to the revision that brings the rule, and holds an invoice that does not keep to it")
def unlawful_invoice(context: Context) -> None:
    context.world.plant_unlawful()


@when("a migration to release {release:Count} is tried")
def try_to_migrate(context: Context, release: int) -> None:
    context.world.run(context.world.old.up(release))


@then("it fails, and schema and rows are as before")
def fails(context: Context) -> None:
    context.world.expect_failure()
    context.world.expect_unchanged()


@then("once the invoice is gone, it succeeds")
def succeeds_without(context: Context) -> None:
    context.world.mend_unlawful()


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


@when("a new database is migrated to release {release:Count}")
def migrate_new_database(context: Context, release: int) -> None:
    context.world.migrate_new_database(release)


@then("its schema is the same")
def same_schema(context: Context) -> None:
    context.world.expect_same_schema()
