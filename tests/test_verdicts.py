"""Every way in which a scenario can end, and the verdict that it gets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from behave_runs import TESTS, Run, behave, launch, start

from support.ledger.completion import complete

PROJECT = TESTS / "projects" / "verdicts"
REASONS = {
    "endings/bug": "KeyError: 'nobody'\nin step 'Given a step has a bug' (steps/steps.py:",
    "endings/late": "the suite itself stood still for ",
    "endings/library": "False is not true\nin step 'Given a library's own assertion does not hold' (steps/steps.py:",
    "endings/leaves": "SystemExit(0) was raised",
    "endings/pending": "is not implemented yet (features/endings.feature:",
    "endings/pending-in-progress": "is not implemented yet (features/endings.feature:",
    "endings/undefined": "step 'Given nobody has defined this' is not defined (features/endings.feature:",
    "endings/hangs": "did not end within 0.5 s: hung in step 'Given a step hangs' (steps/steps.py:",
    "endings/hangs-and-asserts": "did not end within 0.5 s: hung in step",
    "endings/cleanup": "OSError: still there",
    "endings/nested-undefined": "UNDEFINED SUB-STEP",
    "endings/skipped": "skipped: not today",
    "endings/without-steps": "it has no steps",
}
FAILED = {"endings/broken", "endings/broken-then-a-clean-up-fails", "endings/nested-broken"}
PASSED = {"endings/kept", "endings/a-row-of-one-red", "endings/a-row-of-two-blue"}


@pytest.fixture(
    scope="module", params=[pytest.param(run, marks=pytest.mark.xdist_group(run.__name__)) for run in (behave, launch)]
)
def endings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of all endings, by plain behave and by the launcher: each once, for one process."""
    run: Run = request.param(PROJECT, tmp_path_factory.mktemp("reports"), "--tags=@tier1")
    return run


def test_only_assertions_in_steps_fail(endings: Run) -> None:
    expected = dict.fromkeys(FAILED, "failed") | dict.fromkeys(PASSED, "passed") | dict.fromkeys(REASONS, "unknown")
    assert endings.verdicts == expected
    assert endings.code == 1


@pytest.mark.parametrize("scenario", REASONS)
def test_unknown_has_a_reason(endings: Run, scenario: str) -> None:
    assert REASONS[scenario] in endings.rows[scenario]["reason"]


def test_reasons_of_failed_and_passed(endings: Run) -> None:
    assert endings.rows["endings/broken"]["reason"].startswith(
        "expected 200 updates, got 199\nin step 'Given a promise"
    )
    assert all(endings.rows[key]["reason"] is None for key in PASSED)


def test_an_after_step_error_does_not_hide_a_failure(tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "--name", "^Broken$", "-D", "fail=after_step")
    assert (run.verdicts, run.code) == ({"endings/broken": "failed"}, 1)


def test_an_after_scenario_error_does_not_hide_a_failure(tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "--name", "^Broken$", "-D", "fail=after_scenario")
    assert (run.verdicts, run.code) == ({"endings/broken": "failed"}, 1)


@pytest.mark.parametrize(
    "hook",
    [
        *("before_all", "before_tag", "before_feature", "before_scenario"),
        *("before_step", "after_step", "after_scenario"),
    ],
)
@pytest.mark.parametrize("error", ["RuntimeError", "AssertionError", "SystemExit"])
def test_hook_errors_are_unknown(hook: str, error: str, tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "--tags=@fragile", "-D", f"fail={hook}", "-D", f"error={error}")
    assert run.code == 3
    assert run.verdicts == {"saving/saved": "unknown"}
    assert f"{hook} hook: " in run.rows["saving/saved"]["reason"]
    assert f"planted in {hook}" in run.rows["saving/saved"]["reason"]


@pytest.mark.parametrize("hook", ["after_feature", "after_all"])
def test_errors_after_the_scenarios_are_told_and_keep_the_verdict(hook: str, tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "--tags=@fragile", "-D", f"fail={hook}")
    assert (run.verdicts, run.code) == ({"saving/saved": "passed"}, 0)
    assert f"no part of their verdicts: {hook} hook: RuntimeError: planted in {hook}" in run.output


@pytest.mark.parametrize("name", ["Kept", "Broken", "Bug"])
def test_infrastructure_is_never_blamed_on_the_target(name: str, tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "--name", f"^{name}$", "-D", "suspicion=redis was killed for want of memory")
    (row,) = run.rows.values()
    assert (row["verdict"], run.code) == ("unknown", 3)
    assert row["reason"].startswith("redis was killed for want of memory")


@pytest.mark.parametrize("signal_name, word", [("SIGINT", "Ctrl-C"), ("SIGTERM", "SIGTERM")])
@pytest.mark.parametrize("run_by", [behave, launch])
def test_an_interruption_ends_the_run_with_all_rows(
    run_by: Callable[..., Run], signal_name: str, word: str, tmp_path: Path
) -> None:
    run = run_by(PROJECT, tmp_path, f"features/{signal_name.lower()}.feature", "features/saving.feature")
    assert run.code == 3
    reasons = [row["reason"] for row in run.rows.values()]
    assert len(reasons) == 3
    assert all(f"interrupted by {word}" in reason for reason in reasons), reasons


def test_an_interruption_does_not_cut_a_clean_up_short(tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "features/cleanup.feature", "features/saving.feature")
    assert run.code == 3
    assert (run.folder / "evidence" / "cleaned").exists()
    assert run.verdicts == {
        "cleanup/interrupted": "passed",
        "cleanup/next": "unknown",
        "saving/saved": "unknown",
    }
    assert run.rows["cleanup/next"]["reason"] == "interrupted by Ctrl-C before it ended"
    assert run.rows["saving/saved"]["reason"] == "interrupted by Ctrl-C before it began"


@pytest.mark.parametrize("ending", ["killed", "gone"])
def test_a_run_that_died_is_completed(ending: str, tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, f"features/{ending}.feature")
    assert run.verdicts == {f"{ending}/first": "passed"}
    assert not (run.folder / "summary.json").exists()
    with (run.folder / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"id": "torn')
    for _ in range(2):
        assert complete(run.folder, "the run was killed") is not None
    rows = [
        line
        for line in (run.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
        if not line.endswith("torn")
    ]
    assert len(rows) == 3
    assert run.summary["verdicts"] == {"passed": 1, "failed": 0, "unknown": 2}
    assert (run.folder / "junit" / f"{ending}.xml").read_text(encoding="utf-8").count("<error") == 2


def test_a_run_that_lives_is_not_completed(tmp_path: Path) -> None:
    process = start(PROJECT, tmp_path, ["features/stubborn.feature"])
    assert process.stdout is not None
    while "Scenario: Stubborn" not in process.stdout.readline():
        assert process.poll() is None
    assert complete(tmp_path / "latest", "too early") is None
    process.kill()
    process.communicate(timeout=10)
    assert complete(tmp_path / "latest", "the run was killed") is not None


def test_a_hang_that_swallows_every_signal_ends_the_run(tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "-D", "grace=0.5", "features/stubborn.feature")
    assert run.code == 3
    assert "could not be interrupted, so the run was ended" in run.rows["stubborn/stubborn"]["reason"]
    assert "an earlier scenario hung" in run.rows["stubborn/next"]["reason"]
    assert run.summary["verdicts"]["unknown"] == 2


def test_the_default_deadline_is_a_setting(tmp_path: Path) -> None:
    run = behave(PROJECT, tmp_path, "-D", "L3_SCENARIO_DEADLINE=2 s", "features/slow.feature")
    assert "did not end within 2 s" in run.rows["slow/slow"]["reason"]
    assert run.verdicts["slow/next"] == "passed"
