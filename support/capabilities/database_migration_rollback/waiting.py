"""A migration that has to wait for somebody, and those who come after it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, less_than_or_equal_to

from support.capabilities.database_migration_rollback.client import Outcome
from support.capabilities.database_migration_rollback.holder import Holder, reach
from support.capabilities.database_migration_rollback.probe import Probe
from support.capabilities.database_migration_rollback.readers import Readers
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World

_REACHED_S = 0.02
_MIGRATOR = "migrator-1"


class Waiting:
    """One migrator that stands before what somebody else holds."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._holder: Holder = world.holder()

    # Who holds what

    def read_everything(self) -> None:
        """A backup is under way: it has read every table, and has not ended."""
        self._holder.read_everything()

    def read_something_else(self) -> None:
        """A report is under way, on what no migration changes."""
        self._holder.read_something_else()

    def _hold_up_at(self, invoice: str) -> None:
        """Whoever migrates has to wait before `invoice`."""
        self._world.probe.note_what_is_written()
        self._holder.hold(self._world.probe.put_gate(self._world.roles.migrator, invoice))

    def leave(self) -> None:
        """They end what they did."""
        self._holder.leave()

    # What happens

    def start(self, release: int) -> None:
        """A migrator is started, and is seen to wait for them."""
        self._begin(release)
        reach(self.is_waited_for, "the migration waits for who was there before")

    def is_waited_for(self) -> bool:
        """Whether anybody waits for them now."""
        return self._world.probe.someone_waits_for(self._holder.pid)

    def migrate_behind(self, release: int, for_s: float) -> None:
        """A migrator comes while they are still there for `for_s` seconds, and others read all the while."""
        self.start(release)
        self.stay(for_s)
        self._world.await_end()

    def stay(self, for_s: float, until: Callable[[], None] = lambda: None) -> None:
        """They stay for `for_s` seconds, and longer where `until` takes longer, while others read; then they leave."""
        app = self._world.new  # which serves on each release
        self._world.expect_ready(app)
        probe, beside = (Probe(self._world.server, self._world.tables) for _ in range(2))
        self._readers = self._world.opened(Readers(app, probe, beside, "old-1"))
        over = time.monotonic() + for_s
        until()
        wait_until(over)
        self.leave()

    def stand_in_the_middle(self, release: int) -> None:
        """A migrator is held up at the invoice in the middle, while customers change those on both sides."""
        self._hold_up_at(f"old-{self._world.count // 2}")
        self.start(release)
        carried = self._world.probe.written_by(self._world.roles.migrator)
        must(carried, "the migrator waits in the middle, and keeps all before it to itself as well")
        self._world.customers.await_more(20)
        reach(self.is_waited_for, "the migration still waits")

    def build_half(self, release: int) -> None:
        """A migrator is started; an index is seen that waited for the report and was given up. Then that ends."""
        self._begin(release)
        reach(lambda: self._world.probe.invalid_indexes() and self.is_waited_for(), "a build waits for the report")
        reach(lambda: not self.is_waited_for(), "the build of the index was given up half-way")
        self.leave()
        self._world.await_end()

    def _begin(self, release: int) -> None:
        self._release = release
        self._world.start(self._world.errand(release))

    # What must hold

    def expect_done(self) -> None:
        """The migrator says that all is well, and the database is of its release. AssertionError if not."""
        self._world.expect_success()
        self._world.expect_release(self._release)

    def expect_readers_served(self, limit_s: float) -> None:
        """Nobody who read waited longer. AssertionError if somebody did."""
        self._readers.expect_none_slower_than(limit_s)

    def expect_nothing_left(self, within_s: float) -> None:
        """No session and no lock of the migrator is left. AssertionError with those that are."""
        role = self._world.roles.migrator
        gone = poll(lambda: not self._world.probe.sessions_of(role), within_s, _REACHED_S)
        left = self._world.probe.sessions_of(role)
        must(gone, f"sessions of {role} that are still there {within_s:g} s later: {left}")
        assert_that(self._world.probe.advisory_locks(), empty(), "locks that keep other runners out")

    def expect_little_repeated(self, limit: int) -> None:
        """At most `limit` invoices were carried over more than once. AssertionError if more were."""
        times = self._world.probe.written_by(self._world.roles.migrator)
        again = [name for name, count in times.items() if count > 1]
        assert_that(len(again), less_than_or_equal_to(limit), "invoices that were carried over more than once")

    def expect_index_holds(self) -> None:
        """No index is there that is not used, and whoever gives a reference again is refused. AssertionError if not."""
        assert_that(self._world.probe.invalid_indexes(), equal_to([]), "indexes that are there and are not used")
        must(self._world.refused(self._world.tables.issue_again), "a second invoice with the reference of another")
        for app in (self._world.old, self._world.new):
            self._world.expect_ready(app)
            assert_that(app.issue("old-1", 100), equal_to(Outcome.REFUSED), f"{app.name}: the reference of another")
