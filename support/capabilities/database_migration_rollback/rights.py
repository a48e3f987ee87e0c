"""What the role may do by which the apps serve customers."""

from typing import TYPE_CHECKING

import psycopg
from hamcrest import assert_that, equal_to

from support.polling import poll
from support.probes.postgres import connect
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World

_SEEN_WITHIN_S = 5.0


class Rights:
    """Tries of what only a migration may do. Each is its own transaction, and is taken back."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._allowed: list[str] = []

    def try_all(self) -> None:
        """Tries everything as the role by which the apps are connected. "Before" is as the database is now."""
        self._world.remember()
        role = self._world.roles.app
        self._world.expect_ready(self._world.old, self._world.new)
        must(poll(self._apps_use_it, _SEEN_WITHIN_S), f"the apps are connected as others than {role}: {self._others()}")
        with connect(self._world.server.address(), role) as session:
            self._allowed = [one for one in self._tries() if _may(session, one)]

    def expect_all_refused(self) -> None:
        """Nothing of it was allowed. AssertionError with what was."""
        assert_that(self._allowed, equal_to([]), f"what {self._world.roles.app} may do")

    def expect_migrator_owns_all(self) -> None:
        """Migrations run as a role that may change its own tables, and no more. AssertionError if not."""
        role, probe = self._world.roles.migrator, self._world.probe
        assert_that(probe.owners(), equal_to([role]), "to whom the tables belong")
        must(not probe.is_administrator(role), f"{role} may do whatever an administrator may")

    def _tries(self) -> list[str]:
        tables = self._world.tables
        return [
            "CREATE TABLE l3_made (id int)",
            f"CREATE INDEX l3_made ON {tables.invoices} ({tables.reference})",
            f"ALTER TABLE {tables.invoices} ADD COLUMN l3_made int",
            f"TRUNCATE {tables.invoices}",
            f"DROP TABLE {tables.invoices}",
            f"SET ROLE {self._world.roles.migrator}",
            *(f"DELETE FROM {one}" for one in tables.bookkeeping),
            *(f"INSERT INTO {one} SELECT * FROM {one} WHERE false" for one in tables.bookkeeping),
            *(f"SELECT FROM {one} FOR UPDATE" for one in tables.bookkeeping),  # for whoever may change a row
        ]

    def _apps_use_it(self) -> bool:
        return bool(self._world.probe.sessions_of(self._world.roles.app)) and not self._others()

    def _others(self) -> list[str]:
        """Who else is connected, but for the suite itself."""
        return [name for name in self._world.probe.users() if name != self._world.roles.app]


def _may(session: "psycopg.Connection[object]", statement: str) -> bool:
    try:
        with session.transaction(force_rollback=True):
            session.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
