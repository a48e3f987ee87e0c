"""From behave's model of a scenario that has ended to a verdict and its reason.

Only an assertion in a step is a broken promise. Whatever else keeps a scenario from passing says nothing about the
target: it is unknown, with a reason that a person understands.
"""

from pathlib import Path
from typing import Literal

from behave.model import Scenario, Step
from behave.model_type import Status

from support.ledger.rows import StepRow, Verdict
from support.run.deadline import ScenarioHung
from support.run.places import is_of_a_library, place_of
from support.run.trouble import Trouble, message


def verdict(scenario: Scenario, trouble: Trouble, interrupted_by: str | None, root: Path) -> tuple[Verdict, str | None]:
    """The verdict on `scenario`, and why; None when it passed.

    A service that died (`trouble.suspicion`) makes anything unknown: infrastructure is never blamed on the target. A
    failed assertion stays failed, whatever happened after it. `root` is what places are told relative to.
    """
    culprit = next((step for step in scenario.all_steps if step.status != Status.passed), None)
    failed = culprit is not None and _asserted(culprit)
    seen = _step_reason(culprit, interrupted_by, root) if culprit and _ended(culprit) else None
    if trouble.suspicion:
        return "unknown", trouble.suspicion + (f" (what the step said: {seen})" if seen else "")
    if failed:
        return "failed", seen
    reason = seen or _reason_around(scenario, trouble, interrupted_by)
    return ("unknown", reason) if reason else ("passed", None)


def step_rows(scenario: Scenario) -> list[StepRow]:
    """What became of each step of `scenario`, those of its background first."""
    return [
        StepRow(keyword=step.keyword, text=step.name, outcome=_outcome(step), duration_s=round(step.duration, 3))
        for step in scenario.all_steps
    ]


def _outcome(step: Step) -> Literal["passed", "failed", "unknown", "not reached"]:
    if step.status == Status.passed:
        return "passed"
    if _asserted(step):
        return "failed"
    return "unknown" if _ended(step) else "not reached"


def _ended(step: Step) -> bool:
    """Whether the step itself is why its scenario did not pass; hooks and skips are told otherwise."""
    return step.status not in (Status.untested, Status.skipped, Status.hook_error) or _asserted(step)


def _asserted(step: Step) -> bool:
    """Whether the step's own code raised an AssertionError.

    Not one of a hook around it: behave leaves `error_message` empty then. Nor the one that behave makes of a nested
    step that ended in another way, nor one of a library, which speaks of its own use and not of the target.
    """
    error = step.exception
    if not isinstance(error, AssertionError) or not step.error_message:
        return False
    outcome, nested, _ = str(error).partition(" SUB-STEP: ")
    return outcome == "FAILED" if nested else not is_of_a_library(error)


def _step_reason(step: Step, interrupted_by: str | None, root: Path) -> str:
    error = step.exception
    where = f"step '{step.keyword} {step.name}'"
    if step.status in (Status.undefined, Status.untested_undefined):
        return f"{where} is not defined ({step.filename}:{step.line})"
    if step.status in (Status.pending, Status.pending_warn):
        return f"{where} is not implemented yet ({step.filename}:{step.line})"
    if isinstance(error, ScenarioHung):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return f"interrupted by {interrupted_by or 'Ctrl-C'} in {where}"
    if error is None:
        return f"{where} ended as {step.status.name}"
    place = place_of(error, root)
    return f"{message(error)}\nin {where}" + (f" ({place})" if place else "")


def _reason_around(scenario: Scenario, trouble: Trouble, interrupted_by: str | None) -> str | None:
    """Why a scenario without a step that went wrong did not pass; None when it did."""
    steps = list(scenario.all_steps)
    done = bool(steps) and all(step.status == Status.passed for step in steps)
    if trouble.hooks or trouble.cleanups:
        return "; ".join([*trouble.hooks, *trouble.cleanups])
    if done:
        return None
    if interrupted_by:
        return f"interrupted by {interrupted_by} before it ended"
    if scenario.should_skip:
        return f"skipped: {scenario.skip_reason or 'no reason was given'}"
    return "not all of its steps were reached" if steps else "it has no steps, so nothing was checked"
