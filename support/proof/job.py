"""One fleet and its versions in a process of their own: `python -m support.proof.job FILE`, see versions.write.

behave runs one feature whose scenarios stand in it once for each version, so that all are judged by the same hooks,
steps and verdicts as in any run. Before the first scenario of a version the nodes become that version.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from behave.configuration import Configuration
from behave.formatter._registry import make_formatters  # type: ignore[import-untyped]
from behave.model import Scenario, ScenarioOutline
from behave.parser import parse_file
from behave.runner import Context, Runner

from support.errors import SuiteError
from support.proof import source
from support.proof.versions import Version, feature_of, read
from support.run.job import end_with_parent


class Planting:
    """The hook before a scenario: makes the nodes the version that the scenario is to judge."""

    def __init__(self, versions: Sequence[Version], hook: Callable[[Any, Scenario], None]) -> None:
        self._files = source.unchanged()
        self._versions: Mapping[str, Version] = {version.path: version for version in versions}
        self._hook = hook
        self._version: Version | None = None
        self._problem = ""

    def __call__(self, context: Any, scenario: Scenario) -> None:
        """Then calls the environment's own hook. Raises SuiteError when the version does not run."""
        version = self._versions[scenario.filename]
        if version is not self._version:
            # Until they are the new version, the nodes are not to be judged as it, whatever goes wrong meanwhile.
            self._version, self._problem = version, "its nodes were not started"
            self._problem = self._plant(context, version)
        if self._problem:
            raise SuiteError(self._problem)
        self._hook(context, scenario)

    def _plant(self, context: Any, version: Version) -> str:
        """Starts the nodes of `version`; returns why they did not start, else nothing."""
        problem, began = "", time.monotonic()
        try:
            context.fleet.renew(source.changed(self._files, version.mutant) if version.mutant else self._files)
        except SuiteError as error:
            problem = f"its nodes did not start: {error}"
        context.run.recorder.fleet_ready(version.key, time.monotonic() - began)
        return problem


class Prover(Runner):  # type: ignore[misc]  # behave does not tell its type
    """Runs the scenarios of every version, all in one feature and so with one fleet."""

    def __init__(self, config: Configuration, versions: Sequence[Version]) -> None:
        super().__init__(config)
        self._versions = versions

    def run_with_paths(self) -> bool:
        """As behave's own, but for the features. Returns whether something failed."""
        self.context = Context(self)
        self.load_hooks()
        self.load_step_definitions()
        self.hooks["before_scenario"] = Planting(self._versions, self.hooks["before_scenario"])
        self.formatters = make_formatters(self.config, self.config.outputs)
        self.features = [feature_of(version) for version in self._versions]  # what is planned
        whole = parse_file(self._versions[0].feature)
        whole.run_items = [item for feature in self.features for item in feature.run_items if _has_any(item)]
        return bool(self.run_model([whole]))


def _has_any(item: Any) -> bool:
    """Whether an item of a feature (a scenario, an outline or a rule) has a scenario that is not skipped."""
    if isinstance(item, Scenario) and not isinstance(item, ScenarioOutline):
        return not item.should_skip
    return any(_has_any(part) for part in item)


def main(path: str) -> int:
    """Runs what stands in `path`, in the root of the project; the recorder ends the process."""
    end_with_parent()
    versions = read(Path(path))
    config = Configuration([versions[0].feature])
    config.format = [config.default_format]
    return int(Prover(config, versions).run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
