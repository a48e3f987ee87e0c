"""A migration that has to wait for somebody, and those who come after it."""

import time
from typing import TYPE_CHECKING

from support.capabilities.database_migration_rollback.client import Adapter
from support.capabilities.database_migration_rollback.holder import Holder, reach
from support.capabilities.database_migration_rollback.probe import Probe
from support.capabilities.database_migration_rollback.readers import Readers
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World


class Waiting:
    """One migrator that stands before what somebody else holds."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._holder: Holder = world.holder()

    # Who holds what

    def read_everything(self) -> None:
        """A backup is under way: it has read every table, and has not ended."""
        self._holder.read_everything()

    def leave(self) -> None:
        """They end what they did."""
        self._holder.leave()

    # What happens

    def start(self, release: int) -> None:
        """A migrator is started, and is seen to wait for them."""
        self._world.start(self._world.errand(release))
        reach(self.is_waited_for, "the migration waits for who was there before")

    def is_waited_for(self) -> bool:
        """Whether anybody waits for them now."""
        return self._world.probe.someone_waits_for(self._holder.pid)

    def migrate_behind(self, release: int, for_s: float) -> None:
        """A migrator comes while they are still there for `for_s` seconds, and others read all the while."""
        self._readers = self._read(self._world.old)
        self.start(release)
        wait_until(time.monotonic() + for_s)
        self.leave()
        self._world.await_end()

    def _read(self, app: Adapter) -> Readers:
        self._world.expect_ready(app)
        probe = Probe(self._world.server, self._world.tables)
        return self._world.opened(Readers(app, probe, "old-1"))

    # What must hold

    def expect_readers_served(self, limit_s: float) -> None:
        """Nobody who read waited longer. AssertionError if somebody did."""
        self._readers.expect_none_slower_than(limit_s)
