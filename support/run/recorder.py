"""The recorder: gives every selected scenario its row, from behave's first hook to the verdict at the end."""

import faulthandler
import gc
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from behave.model import Feature, Scenario
from behave.model_type import Status
from behave.runner import Context

from support import footing
from support.errors import FeatureTagError, PlatformError, SelectionError, SuiteError
from support.ledger import terminal
from support.ledger.completion import complete_or_tell
from support.ledger.folder import RunFolder, handed_on
from support.ledger.plan import PlannedScenario, platform_of
from support.ledger.rows import Row, Verdict, blank, now, tell
from support.ledger.summary import UNKNOWN, WRONG_COMMAND, exit_code
from support.platforms.platform import Platform
from support.report.ending import after_verdict, load_ahead
from support.run.deadline import Deadline, deadline_of
from support.run.hooks import contain_steps, watch_hooks
from support.run.interruption import Interruption
from support.run.prelude import Untold
from support.run.pulse import Pulse
from support.run.selection import location, plan, put_in_order
from support.run.sentences import refuse_twins
from support.run.trouble import Trouble, Troubles, told
from support.run.verdict import step_rows, verdict
from support.settings import Settings

_AFTERWARDS = ("after_rule", "after_feature", "after_all")


class Recorder:
    """Opened in before_all, and then driven by behave itself; the environment only adds what behave cannot know."""

    def __init__(self, context: Context, settings: Settings, folder: RunFolder, planned: list[PlannedScenario]) -> None:
        self._config = context.config
        self._runner: Any = context._runner
        self._settings = settings
        self._folder = folder
        self._root = Path(context.config.base_dir)
        self._unwritten = {scenario["scenario"]: scenario for scenario in planned}
        self._rows: list[Row] = []
        self._fleet_s: dict[str, float] = {}
        self._started = ""
        self._open: Scenario | None = None
        self._step = ""
        self._troubles: Troubles = defaultdict(Trouble)
        self._afterwards: list[str] = []
        self._interruption = Interruption(self._runner, self._end_at_once)
        self._deadline = Deadline(self._root, self._end_at_once)
        self._pulse = Pulse()

    @classmethod
    def open(cls, context: Context, settings: Settings, services: Collection[str], platform: Platform) -> "Recorder":
        """Plans the run, begins its folder (or joins the run that a parent began), and ties itself to behave.

        To be called first in before_all. `services` are the known kinds of containers, `platform` is what is judged.
        Raises SelectionError, PlatformError or LedgerError, and the process then ends with 2 or 3; SuiteError for a
        sentence that stands twice.
        """
        refusal = _Refusal()
        reporters = context.config.reporters
        reporters[:] = [one for one in reporters if not isinstance(one, Untold)] + [refusal]
        try:
            put_in_order(context._runner.features, context.config)  # before behave goes through them
            own = plan(context._runner.features, context.config, services, platform)
            path = handed_on()
            folder = RunFolder.join(path) if path else RunFolder.create(settings.reports, own, history=settings.history)
        except BaseException as error:
            refusal.error = error
            raise
        reporters.remove(refusal)
        if not path:
            print("\n".join(filter(None, [footing.few_files(), f"run {folder.run}: {settings}"])), flush=True)
            print(f"platform: {terminal.platform(platform_of(own))}", flush=True)
        return cls(context, settings, folder, own["scenarios"])._tie(context)

    @property
    def run(self) -> str:
        """The run's id."""
        return self._folder.run

    @property
    def run_dir(self) -> Path:
        """The run's folder; evidence goes into its folder `evidence`."""
        return self._folder.path

    def fleet_ready(self, capability: str, fleet_s: float) -> None:
        """Notes that the fleet of `capability` took `fleet_s` seconds from start to ready."""
        self._fleet_s[capability] = round(fleet_s, 3)

    def containers(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes a fleet's rows of containers.jsonl; call it when peaks are known, before the fleet is removed."""
        for row in rows:
            self._folder.container(row)

    def within_deadline(self, what: str, work: Callable[[], Any]) -> Any:
        """What `work`, which is no scenario, returns. Raises ScenarioHung when it takes longer than one may."""
        self._deadline.arm(self._settings.scenario_deadline_s)
        try:
            return self._deadline.call(what, work)
        finally:
            self._deadline.disarm()

    def end_scenario(self, scenario: Scenario, evidence: Path | None = None, suspicion: str | None = None) -> None:
        """Adds what only the environment knows, in after_scenario: where evidence is, which service died and how."""
        trouble = self._troubles[self._place(scenario)]
        trouble.evidence = str(evidence) if evidence else trouble.evidence
        trouble.suspicion = suspicion or trouble.suspicion

    def before(self, hook: str, subject: Any) -> None:
        """Told of every hook before it runs (see hooks.Watcher). Refuses what may not begin."""
        if hook == "before_feature":
            self._admit(subject)
        elif hook == "before_scenario":
            self._begin(subject)
        elif hook == "before_step":
            self._step = f"step '{subject.keyword} {subject.name}'"
        elif hook == "after_scenario":
            self._deadline.disarm()
            if subject.status != Status.passed:
                self._troubles[self._place(subject)].suspicion = self._pulse.stood_still()
        elif hook == "after_feature":
            self._settle()
            load_ahead()  # what follows is the removal of the fleet, for which the engine takes longer

    def mishap(self, hook: str, context: Any, subject: Any, error: BaseException) -> None:
        """Told of every error in a hook (see hooks.Watcher)."""
        if isinstance(error, _Interrupted):
            return
        text = f"{hook} hook: {told(error, self._root)}"
        if isinstance(error, SuiteError):  # its message is for a person, and says all
            text = str(error)
        elif isinstance(error, KeyboardInterrupt):
            text = f"{hook} hook: interrupted by {self._interruption.by or 'Ctrl-C'}"
        if hook in _AFTERWARDS:
            self._afterwards.append(text)
        else:
            self._troubles[self._owner(hook, context)].hooks.append(text)

    def feature(self, feature: Feature) -> None:
        """Told by behave when a feature has ended, or was not begun: every planned scenario of it gets its row."""
        self._settle()
        places = {self._place(scenario) for scenario in feature.walk_scenarios()}
        self._give_up(lambda scenario: scenario["scenario"] in places, self._why_unreached(self._place(feature)))

    def end(self) -> None:
        """Told by behave last of all: completes the run, tells the verdict, and ends the process with its exit code.

        behave's own exit code would also tell of what came after the last scenario, and so of other things than
        the verdict.
        """
        code = self._finish("it was not reached")
        if self._interruption.by:
            footing.leave(code)
        gc.freeze()  # the process ends: to look for cycles among all that it has loaded would take 60 ms
        raise SystemExit(code)

    def _tie(self, context: Context) -> "Recorder":
        context.on_cleanup_error = self._cleanup_error
        watch_hooks(self._runner, self)
        context.config.reporters.append(self)
        refuse_twins(self._runner.step_registry)
        contain_steps(self._runner, self._deadline, lambda: self._step)
        return self

    def _place(self, statement: Any) -> str:
        return location(statement, self._root)

    def _owner(self, hook: str, context: Any) -> str:
        """Whose trouble an error in `hook` is: a scenario's, a feature's, or (with an empty name) everybody's."""
        if hook.endswith("_all"):
            return ""
        owner = None if hook.endswith(("_feature", "_rule")) else getattr(context, "scenario", None)
        return self._place(owner or context.feature)

    def _admit(self, feature: Feature) -> None:
        if self._runner.aborted:
            raise _Interrupted
        planned = {f["path"]: f for f in self._folder.plan["features"]}[self._place(feature)]
        if planned["problem"]:
            raise FeatureTagError(f"{planned['path']}: {planned['problem']}")

    def _begin(self, scenario: Scenario) -> None:
        self._settle()
        self._open = scenario
        self._started = now()
        if self._runner.aborted:
            raise _Interrupted
        self._pulse.begin()
        self._deadline.arm(deadline_of(sorted(scenario.tags), self._feature_deadline(scenario)))

    def _feature_deadline(self, scenario: Scenario) -> float:
        return deadline_of(sorted(scenario.inherited_tags), self._settings.scenario_deadline_s)

    def _cleanup_error(self, context: Any, cleanup: Any, error: Exception) -> None:
        name = getattr(cleanup, "__qualname__", repr(cleanup))
        text = f"clean-up {name}: {told(error, self._root)}"
        scenario = getattr(context, "scenario", None)
        if scenario:
            self._troubles[self._place(scenario)].cleanups.append(text)
        else:
            self._afterwards.append(text)

    def _settle(self) -> None:
        """Writes the row of the scenario that was running: only now, after its hooks and clean-ups, is it final."""
        if self._open:
            trouble = self._troubles[self._place(self._open)]
            scenario, self._open = self._open, None
            self._write(scenario, *verdict(scenario, trouble, self._interruption.by, self._root))

    def _write(self, scenario: Scenario, result: Verdict, reason: str | None) -> None:
        planned = self._unwritten.pop(self._place(scenario))
        row = blank(self.run, planned, "")
        tell(row, result, reason)
        row["started"], row["duration_s"] = self._started, round(scenario.duration, 3)
        row["fleet_s"] = self._fleet_s.pop(planned["capability"], None)
        row["evidence"] = self._troubles[self._place(scenario)].evidence
        self._folder.steps(row["id"], step_rows(scenario))
        self._keep(row)

    def _keep(self, row: Row) -> None:
        self._rows.append(row)
        self._folder.row(row)

    def _give_up(self, which: Callable[[PlannedScenario], bool], reason: str | None = None) -> None:
        """Writes an unknown row for each scenario without one."""
        for planned in [scenario for scenario in self._unwritten.values() if which(scenario)]:
            del self._unwritten[planned["scenario"]]
            path = planned["scenario"].rpartition(":")[0]
            self._keep(blank(self.run, planned, reason or self._why_unreached(path)))

    def _why_unreached(self, path: str) -> str:
        """Why a scenario of the feature at `path` was not reached."""
        if hooks := self._troubles[path].hooks or self._troubles[""].hooks:
            return "; ".join(hooks)
        if self._interruption.by:
            return f"interrupted by {self._interruption.by} before it began"
        return "--stop ended the run after an earlier failure" if self._config.stop else "it was not reached"

    def _finish(self, reason: str) -> int:
        """Completes and tells; returns the exit code. A parent that lives tells in our stead."""
        self._settle()
        self._give_up(lambda scenario: True)
        self._deadline.disarm()
        for text in self._afterwards:
            print(f"after the scenarios, and so no part of their verdicts: {text}", file=sys.stderr, flush=True)
        self._folder.leave()
        result = complete_or_tell(self.run_dir, self._folder.plan, self._rows, reason, self._folder.problem)
        if result is None:
            counts = Counter[Verdict](row["verdict"] for row in self._rows)
            return exit_code({"passed": counts["passed"], "failed": counts["failed"], "unknown": counts["unknown"]})
        print(terminal.text(result, sys.stdout), flush=True)
        after_verdict(result)
        return result.exit_code

    def _end_at_once(self, reason: str) -> None:
        """The last resort, in a thread of its own: a scenario or a clean-up ends by no signal, so the process does."""
        faulthandler.dump_traceback(file=2)
        if self._open:
            scenario, self._open = self._open, None
            self._write(scenario, "unknown", f"{reason}; it could not be interrupted, so the run was ended")
        hung = "it was not reached: an earlier scenario hung and could not be interrupted"
        self._give_up(lambda scenario: True, None if self._interruption.by else hung)
        os._exit(self._finish(reason))


class _Interrupted(SuiteError):
    """Keeps behave from beginning anything more after an interruption."""


class _Refusal:
    """Ends a run that could not be planned: with 2 when its selection is wrong, with 3 when it cannot be recorded."""

    error: BaseException | None = None

    def feature(self, feature: Feature) -> None:
        """Nothing was run."""

    def end(self) -> None:
        """Says why, last and alone."""
        if self.error:
            print(f"\n{self.error}", file=sys.stderr, flush=True)
            raise SystemExit(WRONG_COMMAND if isinstance(self.error, SelectionError | PlatformError) else UNKNOWN)
