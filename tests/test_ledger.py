"""What is selected, what is written, what it is worth, and how a run ends."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from behave_runs import TESTS, Run, behave, launch, start

from support.errors import SuiteError
from support.ledger.folder import RunFolder
from support.ledger.plan import Plan
from support.ledger.rows import CONTAINER_FIELDS
from support.settings import Settings

SELECTION = TESTS / "projects" / "selection"
VERDICTS = TESTS / "projects" / "verdicts"
RunBy = Callable[..., Run]
ROW = {
    *("run", "scenario", "id", "name", "capability", "tier", "tags", "mrr", "saving"),
    *("platform", "not_promised", "verdict", "judged", "reason", "started", "duration_s", "fleet_s", "evidence"),
}


@pytest.fixture(params=[behave, launch])
def run_by(request: pytest.FixtureRequest) -> RunBy:
    """Plain behave, and the launcher."""
    run: RunBy = request.param
    return run


def test_a_row_has_exactly_its_fields(tmp_path: Path) -> None:
    row = behave(SELECTION, tmp_path, "features/sound.feature").rows["sound/kept"]
    assert set(row) == ROW
    assert row["scenario"] == "features/sound.feature:4"
    assert (row["tier"], row["mrr"], row["saving"], row["verdict"], row["reason"]) == (
        1,
        50000,
        0,
        "passed",
        None,
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["started"])


def test_passing_verifies_the_money(run_by: RunBy, tmp_path: Path) -> None:
    run = run_by(SELECTION, tmp_path, "features/sound.feature")
    assert run.code == 0
    assert run.summary["verdicts"] == {"passed": 1, "failed": 0, "unknown": 0}
    assert run.summary["mrr"] == {"verified": 50000, "exposed": 0, "untold": 0, "total": 50000}
    assert run.summary["tiers"]["1"]["mrr"]["verified"] == 50000
    assert "verified $50,000 of $50,000 MRR; exposed $0; not verified $0" in run.output


def test_savings_and_revenue_are_kept_apart_and_count_once(tmp_path: Path) -> None:
    run = behave(VERDICTS, tmp_path, "--tags=@tier2 or @tier1", "--name", "Broken", "--name", "Saved")
    assert run.summary["mrr"] == {"verified": 0, "exposed": 100000, "untold": 75600, "total": 175600}
    assert run.summary["saving"] == {"verified": 100000, "exposed": 0, "untold": 0, "total": 100000}


def test_what_was_selected_in_part_is_untold(tmp_path: Path) -> None:
    run = behave(VERDICTS, tmp_path, "--tags=@tier1", "--name", "^Kept$")
    assert run.code == 0
    assert run.summary["mrr"]["verified"] == 0
    assert run.summary["mrr"]["untold"] == run.summary["mrr"]["total"]


@pytest.mark.parametrize(
    "tags, word",
    [
        ("@L33", "no feature and no scenario has the tag @L33; the nearest are @L3"),
        ("not @L33", "the tag @L33"),
        ("@L3 or @tire1", "@tier1"),
        ("@zzz*", "the tag @zzz*"),
        ("@tier1 and @tier6", "nothing is selected by --tags"),
    ],
)
def test_a_selection_that_cannot_be_meant_is_refused(run_by: RunBy, tags: str, word: str, tmp_path: Path) -> None:
    run = run_by(SELECTION, tmp_path, f"--tags={tags}")
    assert (run.code, run.folder.exists()) == (2, False)
    assert word in run.output


def test_a_wildcard_that_matches_selects(run_by: RunBy, tmp_path: Path) -> None:
    run = run_by(SELECTION, tmp_path, "--tags=@container.r*s and not @tier[2-5]", "features/sound.feature")
    assert run.code == 0


def test_a_broken_expression_is_a_wrong_command_line(tmp_path: Path) -> None:
    run = launch(SELECTION, tmp_path, "--tags=@L3 and (")
    assert run.code == 2
    assert "the tag expression cannot be read, expected one such as" in run.output
    plain = behave(SELECTION, tmp_path, "--tags=@L3 and (")
    assert plain.code != 0
    assert "Traceback" not in run.output + plain.output


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_jobs_must_be_a_count(jobs: str, tmp_path: Path) -> None:
    assert launch(SELECTION, tmp_path, f"--jobs={jobs}").code == 2


@pytest.mark.parametrize("path", ["features/absent.feature", "behave.ini"])
def test_a_feature_that_is_none_is_refused(path: str, tmp_path: Path) -> None:
    run = launch(SELECTION, tmp_path, path)
    assert run.code == 2
    assert "Traceback" not in run.output


@pytest.mark.parametrize(
    "capability, word",
    [
        ("two_tiers", "it has @tier1 and @tier2"),
        ("tier_six", "it has @tier6"),
        ("mrr_is_no_number", "it has @mrr.abc"),
        ("no_worth", "it has none"),
        ("two_worths", "it has @mrr.100 and @saving.100"),
        ("unknown_service", "did you mean @container.redis?"),
    ],
)
def test_a_feature_with_wrong_tags_is_unknown_and_the_others_run(capability: str, word: str, tmp_path: Path) -> None:
    run = behave(SELECTION, tmp_path, "features/sound.feature", f"features/{capability}.feature")
    assert run.verdicts == {"sound/kept": "passed", f"{capability}/kept": "unknown"}
    assert run.code == 3
    assert word in run.rows[f"{capability}/kept"]["reason"]


def test_features_come_in_the_order_of_the_catalogue(run_by: RunBy, tmp_path: Path) -> None:
    project = Path(shutil.copytree(SELECTION, tmp_path / "project"))
    sound = (project / "features" / "sound.feature").read_text(encoding="utf-8")
    (project / "features" / "early.feature").write_text(sound.replace("sound", "early"))
    entries = "\n".join(f"{key} = {{ tier = 1, mrr = 50000, name = 'S' }}" for key in ("sound", "early"))
    (project / "features" / "catalogue.toml").write_text(f"[capabilities]\n{entries}\n")
    run = run_by(project, tmp_path, "features/early.feature", "features/sound.feature")
    assert list(run.rows) == ["sound/kept", "early/kept"]


def test_a_line_selects_one_scenario(run_by: RunBy, tmp_path: Path) -> None:
    run = run_by(VERDICTS, tmp_path, "features/endings.feature:7")
    assert run.verdicts == {"endings/broken": "failed"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the selection project that a test may change."""
    return Path(shutil.copytree(SELECTION, tmp_path / "project"))


def test_ids_survive_line_moves_and_new_rows(project: Path, tmp_path: Path) -> None:
    feature = project / "features" / "sound.feature"
    outline = (
        "  Scenario Outline: Of <a>\n    Given a promise is kept\n    Examples:\n      | a | b |\n{}      | x | y |\n"
    )
    text = feature.read_text(encoding="utf-8")
    feature.write_text(text + outline.format(""))
    before = behave(project, tmp_path / "one", str(feature))
    feature.write_text(text.replace("Feature", "\n\nFeature", 1) + outline.format("      | v | w |\n"))
    after = behave(project, tmp_path / "two", str(feature))
    assert set(before.rows) == {"sound/kept", "sound/of-x-y"}
    assert set(after.rows) == set(before.rows) | {"sound/of-v-w"}
    assert after.rows["sound/kept"]["scenario"] != before.rows["sound/kept"]["scenario"]


def test_two_scenarios_of_one_id_are_refused(project: Path, run_by: RunBy, tmp_path: Path) -> None:
    feature = project / "features" / "sound.feature"
    feature.write_text(feature.read_text(encoding="utf-8") + "\n  Scenario: kept!\n    Given a promise is kept\n")
    run = run_by(project, tmp_path / "reports", "features/sound.feature")
    assert run.code == 2
    assert "features/sound.feature:4 and features/sound.feature:7 have the same id, sound/kept" in run.output


@pytest.mark.parametrize("broken", ["import nothing_of_that_name", "def (", "raise SystemExit(0)"])
def test_steps_that_do_not_load_are_unknown(broken: str, project: Path, tmp_path: Path) -> None:
    (project / "steps" / "broken.py").write_text(broken)
    run = launch(project, tmp_path / "reports", "features/sound.feature")
    assert (run.code, run.verdicts) == (3, {"sound/kept": "unknown"})


def test_plain_behave_does_not_pass_when_steps_do_not_load(project: Path, tmp_path: Path) -> None:
    (project / "steps" / "broken.py").write_text("def (")
    assert behave(project, tmp_path / "reports", "features/sound.feature").code != 0


@pytest.mark.parametrize("text, value", [("500 ms", 0.5), ("120 s", 120), ("2 min", 120), ("30", 30), ("0.5s", 0.5)])
def test_durations(text: str, value: float) -> None:
    assert Settings.load({"L3_SCENARIO_DEADLINE": text}, {}).scenario_deadline_s == value


@pytest.mark.parametrize(
    "name, text",
    [("L3_SCENARIO_DEADLINE", "soon"), ("L3_SCENARIO_DEADLINE", "0"), ("L3_MEMORY", "8 giga"), ("L3_SEED", "-1")],
)
def test_a_setting_that_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(SuiteError, match=name):
        Settings.load({name: text}, {})


def test_what_is_given_to_behave_wins_over_the_environment() -> None:
    assert Settings.load({"L3_MEMORY": "8g"}, {"L3_MEMORY": "512m"}).memory_budget == 512 * 1024**2


def test_container_rows_have_exactly_their_fields(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, Plan(run="", began="", tags="", features=[], scenarios=[]))
    folder.container(dict.fromkeys([*CONTAINER_FIELDS, "more"], "x"))
    assert json.loads((tmp_path / "latest" / "containers.jsonl").read_text(encoding="utf-8")) == dict.fromkeys(
        CONTAINER_FIELDS, "x"
    )


def test_an_ambiguous_step_is_unknown(project: Path, tmp_path: Path) -> None:
    source = (project / "steps" / "steps.py").read_text(encoding="utf-8")
    (project / "steps" / "again.py").write_text(source.replace("a promise is kept", "a {what} is kept"))
    run = launch(project, tmp_path / "reports", "features/sound.feature")
    assert (run.code, run.verdicts) == (3, {"sound/kept": "unknown"})
    assert "a sentence stands twice" in run.rows["sound/kept"]["reason"]


def test_junit_shows_unknown_as_an_error_and_skips_nothing(tmp_path: Path) -> None:
    run = behave(VERDICTS, tmp_path, "features/endings.feature")
    suite = ElementTree.parse(run.folder / "junit" / "endings.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        "19",
        "3",
        "13",
        "0",
    )
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected 200 updates, got 199"


def test_reports_that_cannot_be_written_are_told_before_anything_starts(run_by: RunBy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = run_by(SELECTION, tmp_path / "file" / "reports", "features/sound.feature")
    assert run.code == 3
    assert "cannot be written" in run.output
    assert "L3_REPORTS" in run.output
    assert "Traceback" not in run.output


def test_a_folder_in_the_place_of_the_link_to_the_newest_run_is_told_with_its_mend(
    run_by: RunBy, tmp_path: Path
) -> None:
    (tmp_path / "latest").mkdir()
    run = run_by(SELECTION, tmp_path, "features/sound.feature")
    assert run.code == 3
    assert f"{tmp_path / 'latest'} is to be a link to the newest run" in run.output
    assert "move it away" in run.output and "space" not in run.output
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "l3-test", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a full disk needs a small file system, and only root may mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_does_not_eat_the_verdict(run_by: RunBy, small_disk: Path) -> None:
    run = run_by(VERDICTS, small_disk, "features/fills.feature")
    assert run.code == 3
    assert "2 passed, 0 failed, 0 unknown" in run.output
    assert "free some space" in run.output


def test_what_another_run_left_in_the_environment_is_not_joined(run_by: RunBy, tmp_path: Path) -> None:
    first = run_by(SELECTION, tmp_path, "features/sound.feature")
    rows = (first.folder / "ledger.jsonl").resolve()
    before = rows.read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L3_RUN_FOLDER", f"1:{rows.parent}")
        second = run_by(SELECTION, tmp_path, "features/sound.feature")
    assert second.code == first.code == 0
    assert second.folder.resolve() != rows.parent and rows.read_text() == before


def test_jobs_run_all_features_into_one_ledger(tmp_path: Path) -> None:
    run = launch(
        VERDICTS,
        tmp_path,
        "--jobs=2",
        "--tags=@tier1 or @tier2",
        "features/endings.feature",
        "features/saving.feature",
    )
    assert run.code == 1
    assert run.summary["verdicts"] == {"passed": 4, "failed": 3, "unknown": 13}
    assert len({row["run"] for row in run.rows.values()}) == 1
    assert run.output.index("saving: started") < run.output.index("endings: ended")


def test_a_job_that_dies_is_told(tmp_path: Path) -> None:
    run = launch(VERDICTS, tmp_path, "--jobs=2", "features/killed.feature", "features/saving.feature")
    assert run.code == 3
    assert run.verdicts == {
        "killed/first": "passed",
        "killed/killed": "unknown",
        "killed/next": "unknown",
        "saving/saved": "passed",
    }
    assert "its process ended by SIGKILL" in run.rows["killed/next"]["reason"]


def test_jobs_take_lines(tmp_path: Path) -> None:
    run = launch(VERDICTS, tmp_path, "--jobs=2", "features/endings.feature:4", "features/saving.feature")
    assert run.verdicts == {"endings/kept": "passed", "saving/saved": "passed"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_jobs_end_with_their_parent(number: signal.Signals, tmp_path: Path) -> None:
    arguments = ["--jobs=2", "features/slow.feature", "features/sleepy.feature", "features/saving.feature"]
    process = start(VERDICTS, tmp_path, arguments, launcher=True)
    _until(lambda: len(list(tmp_path.glob("latest/evidence/*.running"))) == 2)
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=20)
    run = Run(process.returncode, output, tmp_path)
    _until(lambda: (run.folder / "summary.json").exists())
    assert run.code == (3 if number != signal.SIGKILL else -number)
    assert run.summary["verdicts"]["unknown"] == len(run.rows) == 5
    assert all("interrupted by" in row["reason"] or "not reached" in row["reason"] for row in run.rows.values())


def _until(check: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not check():
        assert time.monotonic() < end, "waited 15 s"
        time.sleep(0.05)
