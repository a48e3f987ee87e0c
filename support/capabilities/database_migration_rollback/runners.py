"""Several migrators that are started at once, as several instances of a new release do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.database_migration_rollback.client import Errand
from support.capabilities.database_migration_rollback.holder import reach
from support.containers.platform import Command, Ended
from support.promise import must
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.database_migration_rollback.world import World

_ENDS_WITHIN_S = 60.0


class Runners:
    """All the migrators of the fleet, and how each of them ended."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ended: list[Ended] = []

    def migrate_at_once(self, count: int, release: int, for_s: float) -> None:
        """`count` migrators to `release`; who is in their way stays for `for_s` seconds, and until all are there."""
        self._world.probe.slow_down(self._world.roles.migrator, 0.0005)  # one works for longer than another pauses
        self._world.probe.note_what_is_made()
        runners = self._start([self._world.errand(release)] * count)
        reach(self._world.waiting.is_waited_for, "one of them waits for who is in the way")
        self._world.waiting.stay(for_s, lambda: self._expect_there(runners))
        self._ended = [runner.ended(_ENDS_WITHIN_S) for runner in runners]

    def try_impossible(self, what: Sequence[str]) -> None:
        """Migrations that cannot be, in the words of a table. "Before" is as the database is now."""
        self._world.remember()
        old, newest = self._world.old, self._world.names(2)[-1]
        errands = {
            "to a revision that does not exist": old.up(2, "no-such-revision"),
            "back to a revision not yet applied": old.down(2, newest),
        }
        self._ended = [runner.ended(_ENDS_WITHIN_S) for runner in self._start([errands[one] for one in what])]

    def expect_all_failed(self) -> None:
        """Each of them says by its exit code that it failed. AssertionError with what others said."""
        for ended in self._ended:
            must(ended.exit_code != 0, f"one ended as if all was well:\n{ended.output[-1500:]}")

    def expect_all_succeeded(self) -> None:
        """Each of them says that the database is as it should be. AssertionError with what others said."""
        for ended in self._ended:
            must(
                ended.exit_code == 0, f"one of {len(self._ended)} ended with {ended.exit_code}:\n{ended.output[-1500:]}"
            )

    def expect_made_once(self) -> None:
        """Nothing was made a second time, and what was made is in use. AssertionError if not."""
        made = self._world.probe.made()
        assert_that({name: times for name, times in made.items() if times > 1}, empty(), "made more than once")
        assert_that(self._world.probe.invalid_indexes(), equal_to([]), "indexes that are there and are not used")

    def _start(self, errands: Sequence[Errand]) -> list[Command]:
        names = [f"migrator-{number}" for number in range(1, len(errands) + 1)]
        for_each(list(zip(errands, names, strict=True)), lambda one: self._world.start(*one))
        return [self._world.fleet.commands[name] for name in names]

    def _expect_there(self, runners: list[Command]) -> None:
        reach(lambda: all(map(self._is_there, runners)), f"all {len(runners)} migrators have reached the database")

    def _is_there(self, runner: Command) -> bool:
        """Whether it has reached the database: it has a connection that stands, by its own kernel's tables."""
        if runner.state().get("Status") != "running":
            return runner.has_ended()  # it has been there, for whatever came of it
        return b" 01 " in runner.exec(["cat", "/proc/net/tcp"]).output
