"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from support.capabilities.database_migration_rollback.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "brings a new database to release 1, and finds its invoices", lambda: world.use_database(1, 1_000)
    yield "issues, corrects and shows an invoice by the old app", lambda: world.use(world.old)
    yield "finds it in the database", lambda: world.expect_used(1)
    yield "migrates to release 2", lambda: world.use_database(2, 1_000)
    yield "issues, corrects and shows an invoice by the new app", lambda: world.use(world.new)
    yield "finds it in both forms", lambda: world.expect_used(2)
