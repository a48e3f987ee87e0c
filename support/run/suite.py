"""A run from the launcher: planned before behave begins, so that even a suite that does not load is told."""

import os
import signal
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from behave.__main__ import run_behave
from behave.configuration import Configuration
from behave.exception import ConfigError
from behave.parser import ParserError
from behave.runner import Runner
from cucumber_tag_expressions.parser import TagExpressionError  # type: ignore[import-untyped]

from support import footing
from support.errors import SelectionError, SuiteError
from support.ledger import history, terminal
from support.ledger.completion import complete_or_tell
from support.ledger.folder import LEDGER, SUMMARY, RunFolder
from support.ledger.plan import Plan, platform_of
from support.ledger.plan import Share as PlannedShare
from support.ledger.rows import read
from support.platforms.platform import Platform
from support.report.ending import after_verdict
from support.run.jobs import Jobs, feature_alone, longest_first
from support.run.prelude import NO_SUCH_FEATURE, features
from support.run.selection import plan, put_in_order
from support.run.sentences import why_not_loaded
from support.run.shares import Share, features_of
from support.run.trouble import message
from support.settings import Settings


class Suite:
    """What `options` of behave and `paths` (features, file:line, folders; none means all) select below the root."""

    def __init__(
        self, options: Sequence[str], paths: Sequence[str], services: Collection[str], share: Share | None = None
    ) -> None:
        """Plans it, or the `share` of it, in the current directory. `services` are the known kinds of containers.

        Raises SelectionError, PlatformError, or another SuiteError when a feature cannot be read.
        """
        self._options = list(options)
        self._paths = list(paths)
        self._config = _configuration([*options, *paths])
        self._settings = Settings.load(os.environ, self._config.userdata or {})
        self._platform = Platform(self._settings.platform)
        try:
            self._plan = _plan(self._config, services, self._platform)
            if share:
                self._narrow(share, services)
        except ParserError as error:
            raise SuiteError(f"a feature cannot be read: {error}") from error
        except NO_SUCH_FEATURE as error:
            raise SelectionError(f"{error}; expected a feature file, file:line or a folder of features") from error

    def run(self, jobs: int) -> int:
        """Runs it, `jobs` features at a time, and prints the verdict. Returns the exit code; raises LedgerError."""
        earlier = read(self._settings.reports / "latest" / LEDGER)
        folder = RunFolder.create(self._settings.reports, self._plan, history=self._settings.history)
        print("\n".join(filter(None, [footing.few_files(), f"run {folder.run}: {self._settings}"])), flush=True)
        print(f"platform: {terminal.platform(platform_of(self._plan))}", flush=True)
        folder.hand_on()
        if jobs == 1:
            return self._run_here(folder)
        works = [feature_alone(f["capability"], self._arguments(f["path"])) for f in self._plan["features"]]
        side_by_side = Jobs(folder, longest_first(works, self._plan, earlier))
        side_by_side.run(jobs)
        return _tell(folder, side_by_side.reason)

    def _narrow(self, share: Share, services: Collection[str]) -> None:
        """Leaves the features of `share`, and keeps in the plan what the others owe. SelectionError if it has none."""
        whole = self._plan["scenarios"]
        keys = features_of(share, whole, history.read(self._settings.history).durations())
        features = {f["path"]: f["capability"] in keys for f in self._plan["features"] if f["path"]}
        self._paths = [path for feature, own in features.items() if own for path in self._asked(feature)]
        self._config = _configuration([*self._options, *self._paths])
        self._plan = _plan(self._config, services, self._platform)
        others = [scenario for scenario in whole if scenario["capability"] not in keys]
        self._plan["share"] = PlannedShare(number=share.number, of=share.of, others=others)

    def _run_here(self, folder: RunFolder) -> int:
        """Runs behave in this process, which tells the verdict and ends by SystemExit; if not, it did not begin."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        folder.leave()
        reason = "the suite could not begin; behave's message says why"
        try:
            run_behave(self._config)
        except KeyboardInterrupt:
            reason = "interrupted before the suite began"
        except SystemExit as ending:
            if (folder.path / SUMMARY).exists() and isinstance(ending.code, int):
                return ending.code
            if ending.__cause__:
                reason = f"the suite could not begin: {message(ending.__cause__)}"
        except Exception as error:  # noqa: BLE001 - a step module may raise anything while it loads
            reason = f"the suite could not begin: {why_not_loaded(error, Path.cwd())}"
        return _tell(folder, reason)

    def _arguments(self, feature: str) -> list[str]:
        """behave's arguments for one feature: the lines of it that were asked for, or else all of it."""
        return [*self._options, *self._asked(feature)]

    def _asked(self, feature: str) -> list[str]:
        return [path for path in self._paths if os.path.normpath(path.partition(":")[0]) == feature] or [feature]


def _configuration(arguments: list[str]) -> Configuration:
    try:
        return Configuration(arguments)
    except TagExpressionError as error:
        example = "'@tier1 and not (@performance or @database)'"
        raise SelectionError(f"the tag expression cannot be read, expected one such as {example}:\n{error}") from error
    except ConfigError as error:
        raise SuiteError(f"behave cannot be configured: {error}") from error


def _plan(config: Configuration, services: Collection[str], platform: Platform) -> Plan:
    runner = Runner(config)
    runner.setup_paths()
    found = features(runner.feature_locations())
    put_in_order(found, config)
    return plan(found, config, services, platform)


def _tell(folder: RunFolder, reason: str) -> int:
    folder.leave()
    rows = read(folder.path / LEDGER)
    result = complete_or_tell(folder.path, folder.plan, rows, reason, folder.problem)
    if result is None:
        raise SuiteError(f"a process of the run still lives; it will complete {folder.path}")
    print(terminal.text(result, sys.stdout), flush=True)
    after_verdict(result)
    return result.exit_code
