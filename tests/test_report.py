"""What is kept of runs, what is made of them at their end, and what `./l3 report` does with them later."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from behave_runs import TESTS, Run, behave, launch, start
from ledgers import CATALOGUE, COMMIT, REASON, all_passed, but, ledger, plan_of

from support.errors import FeatureTagError, SelectionError
from support.ledger import history
from support.ledger.catalogue import Catalogue
from support.ledger.commit import Commit, commit_of
from support.ledger.completion import complete
from support.ledger.feature_tags import terms
from support.ledger.history import Rate
from support.ledger.plan import Share
from support.polling import poll
from support.report.findings import finding
from support.report.merge import merge
from support.report.timeline import Lane, Span, Timeline

ROOT = TESTS.parent
VERDICTS, SELECTION = TESTS / "projects" / "verdicts", TESTS / "projects" / "selection"
LIVE, PAYMENTS = "websocket_redis_pubsub", "payment_gateway_sandbox"
ALL = list(CATALOGUE["capabilities"])
# A run that begins a guard and is killed before its only scenario has ended.
KILLED = """
import os, signal, sys
from pathlib import Path
from support.run.guard import Guard
from support.ledger.folder import RunFolder
folder = RunFolder.join(Path(sys.argv[1]))
guard = Guard(folder.run, folder.path)
os.kill(os.getpid(), signal.SIGKILL)
"""
WEATHER = """@L3 @tier1 @mrr.100000
Feature: Weather

  Scenario: Fair
    Given a promise is kept in good weather
"""


def report(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs `./l3 report` as a user would, in the environment that is set up already."""
    return subprocess.run(
        [sys.executable, str(ROOT / "l3"), "report", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# The catalogue


def test_the_catalogue_has_the_fifteen_and_their_sums() -> None:
    catalogue = Catalogue.of(ROOT)
    by_tier = {tier: [e.mrr for e in catalogue.entries.values() if e.tier == tier and e.mrr] for tier in range(1, 6)}
    assert by_tier == {
        1: [100_000, 150_000, 25_000],
        2: [75_000, 75_000],
        3: [75_000, 50_000],
        4: [30_000, 50_000, 200_000],
        5: [50_000, 40_000, 30_000, 500_000],
    }
    assert [entry.saving for entry in catalogue.entries.values() if entry.saving] == [100_000]
    assert len(catalogue.entries) == 15 and len(catalogue.tiers) == 5


def test_every_feature_is_in_the_catalogue_and_says_the_same() -> None:
    from behave.parser import parse_file

    from support.containers.fleet import KINDS

    entries = Catalogue.of(ROOT).entries
    for path in sorted((ROOT / "features").rglob("*.feature")):
        assert path.stem in entries, f"{path} is not in features/catalogue.toml"
        feature = parse_file(str(path))
        assert entries[path.stem].contradicts(terms(feature.tags, KINDS)) is None


def _catalogued(project: Path, entry: str) -> Path:
    copy = Path(shutil.copytree(SELECTION, project))
    (copy / "features" / "catalogue.toml").write_text(f"[tiers]\n1 = 'First'\n[capabilities]\n{entry}\n")
    return copy


def test_what_is_not_written_yet_is_not_told(tmp_path: Path) -> None:
    entries = "sound = { tier = 1, mrr = 50000, name = 'S' }\nlater = { tier = 2, mrr = 7000, name = 'Later' }"
    run = behave(_catalogued(tmp_path / "p", entries), tmp_path, "features/sound.feature")
    assert run.summary["mrr"] == {"verified": 50000, "exposed": 0, "untold": 7000, "total": 57000}
    assert run.summary["tiers"]["2"]["mrr"]["untold"] == 7000
    assert "verified $50,000 of $57,000 MRR" in run.output
    assert "Its feature is not written yet" in (run.folder / "index.html").read_text(encoding="utf-8")


def test_tags_that_contradict_the_catalogue_are_unknown(tmp_path: Path) -> None:
    run = behave(_catalogued(tmp_path / "p", "sound = { tier = 1, mrr = 9, name = 'S' }"), tmp_path, "--name", "Kept")
    row = run.rows["sound/kept"]
    assert (run.code, row["verdict"]) == (3, "unknown")
    assert "its tags say @tier1 @mrr.50000, features/catalogue.toml says @tier1 @mrr.9" in row["reason"]
    assert run.summary["mrr"]["untold"] >= 9


@pytest.mark.parametrize("entry", ["sound = 3", "sound = { tier = 9, mrr = 1, name = 'S' }", "= ="])
def test_a_catalogue_that_cannot_be_read_is_told(entry: str, tmp_path: Path) -> None:
    project = _catalogued(tmp_path / "p", entry)
    with pytest.raises(FeatureTagError, match=r"features/catalogue.toml"):
        Catalogue.of(project)
    run = launch(project, tmp_path, "features/sound.feature")
    assert (run.code, "Traceback" in run.output) == (3, False)


# The history


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project under git, whose only scenario depends on the weather."""
    project = Path(shutil.copytree(VERDICTS, tmp_path / "project"))
    for feature in (project / "features").iterdir():
        feature.unlink()
    (project / "features" / "weather.feature").write_text(WEATHER)
    (project / ".gitignore").write_text("__pycache__\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        git(project, *words)
    return project


def git(project: Path, *words: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "-C", str(project), *who, *words], check=True, capture_output=True)


@pytest.mark.parametrize("run_by", [behave, launch])
def test_what_passed_and_failed_on_one_commit_is_flaky_and_verifies_nothing(
    run_by: Callable[..., Run], repository: Path, tmp_path: Path
) -> None:
    bad = behave(repository, tmp_path, "-D", "weather=bad")
    assert (bad.code, bad.summary["mrr"]["exposed"], bad.summary["flaky"]) == (1, 100_000, [])
    good = run_by(repository, tmp_path, "features/weather.feature")
    assert (good.code, good.verdicts) == (0, {"weather/fair": "passed"})
    assert good.summary["flaky"] == [{"id": "weather/fair", "passed": 1, "failed": 1}]
    assert good.summary["mrr"] == {"verified": 0, "exposed": 0, "untold": 100_000, "total": 100_000}
    assert "flaky, and so not verified: it passed in 1 of 2 runs of this commit (50%)" in good.output
    assert "verified $0 of $100,000 MRR" in good.output
    assert "$0 of $100K of monthly revenue is verified" in (good.folder / "index.html").read_text(encoding="utf-8")
    assert "$0 of $100K" in (good.folder / "summary.md").read_text(encoding="utf-8")


def test_another_commit_and_a_tree_with_changes_are_another_ground(repository: Path, tmp_path: Path) -> None:
    behave(repository, tmp_path, "-D", "weather=bad")
    (repository / "note").write_text("not committed")
    assert behave(repository, tmp_path).summary["mrr"]["verified"] == 100_000
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "A note")
    assert behave(repository, tmp_path).summary["mrr"]["verified"] == 100_000


def test_another_target_is_another_ground(tmp_path: Path) -> None:
    ledger(tmp_path, plan_of([LIVE]), but({f"{LIVE}/0": ("failed", REASON)}))
    file = tmp_path / "history.jsonl"
    lines = [json.loads(line) | {"target": "sha256:another"} for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert ledger(tmp_path, plan_of([LIVE])).summary["flaky"] == []


def test_without_git_nothing_is_flaky(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    for judge in (but({f"{LIVE}/0": ("failed", REASON)}), all_passed):
        outcome = ledger(tmp_path, plan_of([LIVE], commit=None), judge)
    assert outcome.summary["flaky"] == []


def test_unknown_is_no_verdict_that_makes_flaky(tmp_path: Path) -> None:
    for judge in (but({f"{LIVE}/0": ("unknown", "redis died")}), all_passed):
        outcome = ledger(tmp_path, plan_of([LIVE]), judge)
    assert outcome.rates[f"{LIVE}/0"] == Rate(1, 0)


def test_the_history_is_keyed_by_what_survives_line_moves(tmp_path: Path) -> None:
    project = Path(shutil.copytree(SELECTION, tmp_path / "project"))
    feature = project / "features" / "sound.feature"
    behave(project, tmp_path, "features/sound.feature")
    feature.write_text(feature.read_text(encoding="utf-8").replace("Feature", "\n\n\nFeature", 1))
    behave(project, tmp_path, "features/sound.feature")
    assert [len(lines) for lines in history.read(tmp_path / "history.jsonl").lines.values()] == [2]


def test_a_damaged_line_is_told_and_skipped_and_nothing_is_lost(tmp_path: Path) -> None:
    ledger(tmp_path, plan_of([LIVE], scenarios=1))
    file = tmp_path / "history.jsonl"
    before = file.read_bytes()
    file.write_bytes(before + b'["no line"]\n{"run": "x", "id": 3, "verdict": "passed"}\n\xff\n{"run": "torn')
    outcome = ledger(tmp_path, plan_of([LIVE], scenarios=1))
    assert len(outcome.past.lines[f"{LIVE}/0"]) == 1
    assert any("has 4 lines that cannot be read, and that were skipped: 2, 3, 4, 5" in w for w in outcome.warnings)
    assert file.read_bytes().startswith(before + b'["no line"]\n')
    assert len(history.read(file).lines[f"{LIVE}/0"]) == 2


def test_a_run_that_is_completed_again_is_kept_once(tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of([LIVE]))
    before = (tmp_path / "history.jsonl").read_text(encoding="utf-8")
    assert complete(outcome.path, "again") is not None
    assert (tmp_path / "history.jsonl").read_text(encoding="utf-8") == before


def test_processes_do_not_cut_into_each_others_lines(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.path[:0] = sys.argv[2:]\nfrom pathlib import Path\nfrom ledgers import *\n"
        "for _ in range(5):\n    ledger(Path(sys.argv[1]), plan_of(list(CATALOGUE['capabilities'])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(ROOT), str(TESTS)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.wait(60) == 0, process.communicate()[1]
    known = history.read(tmp_path / "history.jsonl")
    assert known.problems == []
    assert {len(lines) for lines in known.lines.values()} == {20} and len(known.lines) == 60


def test_a_history_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "cache" / "history.jsonl"
    run = behave(SELECTION, tmp_path / "reports", "features/sound.feature", "-D", f"L3_HISTORY={elsewhere}")
    assert [*history.read(elsewhere).lines] == ["sound/kept"]
    assert not (tmp_path / "reports" / "history.jsonl").exists()
    done = report(str(run.folder), "--history", str(tmp_path / "another" / "file"))
    assert done.returncode == 0, done.stderr
    assert [*history.read(tmp_path / "another" / "file").lines] == ["sound/kept"]


def test_a_history_that_cannot_be_written_eats_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").mkdir()
    run = behave(SELECTION, tmp_path, "features/sound.feature")
    assert (run.code, run.summary["mrr"]["verified"]) == (0, 50000)
    assert "history.jsonl could not be written" in run.output and "L3_HISTORY" in run.output


# The end of a run


def _made(folder: Path) -> list[bool]:
    return [(folder / name).is_file() for name in ("index.html", "summary.md", "summary.json", "steps.jsonl")]


@pytest.mark.parametrize("run_by", [behave, launch])
@pytest.mark.parametrize("more", [[], ["--jobs=2"]])
def test_every_run_ends_in_a_page(run_by: Callable[..., Run], more: list[str], tmp_path: Path) -> None:
    run = run_by(VERDICTS, tmp_path, *more, "features/endings.feature:7", "features/saving.feature")
    assert (run.code, _made(run.folder)) == (1, [True] * 4)
    page = (run.folder / "index.html").read_text(encoding="utf-8")
    assert "is exposed." in page and "expected 200 updates, got 199" not in page.partition("<main>")[0]
    assert len(history.read(tmp_path / "history.jsonl").lines) == 2
    assert f"page: {run.folder.resolve()}/index.html" in run.output


@pytest.mark.parametrize("feature", ["sigint", "sigterm"])
def test_an_interrupted_run_ends_in_a_page_that_says_so(feature: str, tmp_path: Path) -> None:
    run = launch(VERDICTS, tmp_path, f"features/{feature}.feature", "features/saving.feature")
    assert _made(run.folder)[:3] == [True] * 3
    by = {"sigint": "Ctrl-C", "sigterm": "SIGTERM"}[feature]
    assert run.summary["cut_short"] == f"it was interrupted by {by}"
    assert f"This run was cut short: it was interrupted by {by}." in (run.folder / "index.html").read_text(
        encoding="utf-8"
    )


def test_the_guard_of_a_killed_run_makes_its_page(tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of([LIVE], scenarios=2), but({f"{LIVE}/1": None}))
    lines = (outcome.path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    (outcome.path / "ledger.jsonl").write_text(lines[0] + "\n")
    done = subprocess.run([sys.executable, "-c", KILLED, str(outcome.path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert poll(lambda: (outcome.path / "summary.md").exists(), 20)
    assert "This run was cut short: it was killed." in (outcome.path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("run_by", [behave, launch])
def test_a_page_that_cannot_be_made_is_told_and_changes_nothing(run_by: Callable[..., Run], tmp_path: Path) -> None:
    run = run_by(VERDICTS, tmp_path, "features/in_the_way.feature")
    assert (run.code, run.verdicts) == (0, {"in_the_way/in-the-way": "passed"})
    assert "the page of the run could not be made: IsADirectoryError" in run.output
    assert "exit 0: every selected scenario passed" in run.output


def test_steps_are_noted_with_what_became_of_them(tmp_path: Path) -> None:
    run = behave(VERDICTS, tmp_path, "--tags=@tier1", "--name", "^Broken", "--name", "^Skipped")
    noted = {
        row["id"]: row["steps"]
        for row in map(json.loads, (run.folder / "steps.jsonl").read_text(encoding="utf-8").splitlines())
    }
    assert [step["outcome"] for step in noted["endings/broken"]] == ["failed"]
    assert [step["outcome"] for step in noted["endings/skipped"]] == ["not reached", "not reached"]
    assert noted["endings/broken"][0]["text"] == "a promise is broken"


def test_the_critical_path_is_what_waited_for_each_other() -> None:
    times = {"a": (0, 50), "b": (0, 90), "c": (51, 100), "d": (91, 120), "e": (101, 101), "f": (121, 200)}
    lanes = [Lane(name, [Span("passed", "", *map(float, when))], "", "", "", "") for name, when in times.items()]
    assert [lane.title for lane in Timeline(lanes, 200.0).critical_path] == ["b", "d", "f"]
    assert Timeline([], 0.0).critical_path == []


def test_the_page_of_an_old_run_shows_the_text_of_its_time(tmp_path: Path) -> None:
    project = Path(shutil.copytree(SELECTION, tmp_path / "project"))
    feature = project / "features" / "sound.feature"
    feature.write_text(
        feature.read_text(encoding="utf-8").replace("Feature: sound", "Feature: sound\n  Of old.\n\n  Two.\n")
    )
    run = behave(project, tmp_path, "features/sound.feature")
    feature.write_text(feature.read_text(encoding="utf-8").replace("Of old.", "Of today."))
    assert report(str(run.folder)).returncode == 0
    page = (run.folder / "index.html").read_text(encoding="utf-8")
    assert "<p>Of old.</p><p>Two.</p>" in page and "Of today." not in page


@pytest.mark.alone
def test_200_scenarios_take_less_than_a_second_with_all_imports(tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of(ALL[:10], scenarios=20))
    assert len(outcome.rows) == 200
    began = time.monotonic()
    done = report(str(outcome.path))
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 1.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


# ./l3 report


def test_the_newest_run_is_reported_and_its_page_is_named(tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of([LIVE]))
    done = report(L3_REPORTS=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"page: {outcome.path}/index.html" in done.stdout
    assert "$100K of $1,450K of monthly revenue is verified, and nothing is exposed." in done.stdout
    assert report(outcome.plan["run"], L3_REPORTS=str(tmp_path)).returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 3, "there is no run in"),
        (["no-such-run"], 2, "there is no run no-such-run"),
        (["--merge", "."], 2, "there is no run in ."),
        (["--merg", "."], 2, "did you mean --merge?"),
        (["one", "--merge", "."], 2, "not allowed with"),
    ],
)
def test_what_cannot_be_reported_is_told(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    done = report(*words, L3_REPORTS=str(tmp_path))
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_a_plan_that_is_damaged_is_told(tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of([LIVE]))
    (outcome.path / "plan.json").write_text("{")
    done = report(L3_REPORTS=str(tmp_path))
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "expected the plan of a run" in done.stderr


def test_a_damaged_ledger_is_told_and_what_it_lost_is_unknown(tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of([LIVE], scenarios=2))
    file = outcome.path / "ledger.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text(f"{lines[0][:40]}\n{lines[1]}\n")
    done = report(L3_REPORTS=str(tmp_path))
    assert done.returncode == 0
    assert "ledger.jsonl is damaged, and what line 1 told is lost" in done.stderr
    assert json.loads((outcome.path / "summary.json").read_text(encoding="utf-8"))["verdicts"] == {
        "passed": 1,
        "failed": 0,
        "unknown": 1,
    }


def test_a_run_that_lives_has_no_page_yet(tmp_path: Path) -> None:
    process = start(VERDICTS, tmp_path, ["features/stubborn.feature"])
    assert poll(lambda: (tmp_path / "latest" / "plan.json").exists(), 10)
    done = report(L3_REPORTS=str(tmp_path))
    process.kill()
    process.communicate(timeout=10)
    assert done.returncode == 3 and "goes on" in done.stderr
    assert report(L3_REPORTS=str(tmp_path)).returncode == 0
    assert "This run was cut short: it was killed." in (tmp_path / "latest" / "index.html").read_text(encoding="utf-8")


# Several runs in one report


def test_a_merge_takes_the_worst_verdict_and_every_file(tmp_path: Path) -> None:
    good = ledger(tmp_path / "one", plan_of([LIVE], scenarios=2))
    bad = ledger(tmp_path / "two", plan_of([LIVE, PAYMENTS], scenarios=2), but({f"{LIVE}/1": ("failed", REASON)}))
    row = json.loads((bad.path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()[1])
    folder = bad.path / "evidence" / "any-11"
    folder.mkdir()
    (folder / "node-1.log").write_text("the log")
    with (bad.path / "ledger.jsonl").open("a") as file:
        file.write(json.dumps(row | {"evidence": str(folder)}) + "\n")
    path = merge([good.path, bad.path], tmp_path / "all", tmp_path / "all-history.jsonl")
    outcome = complete(path, "lost")
    assert outcome is not None
    assert outcome.summary["mrr"] == {"verified": 500_000, "exposed": 100_000, "untold": 850_000, "total": 1_450_000}
    merged = {one["id"]: one for one in outcome.rows}
    assert merged[f"{LIVE}/1"]["verdict"] == "failed" and merged[f"{LIVE}/1"]["run"] == bad.plan["run"]
    assert (Path(str(merged[f"{LIVE}/1"]["evidence"])) / "node-1.log").read_text(encoding="utf-8") == "the log"
    assert Path(str(merged[f"{LIVE}/1"]["evidence"])).is_relative_to(path)
    assert len((path / "containers.jsonl").read_text(encoding="utf-8").splitlines()) == 12
    kept = history.read(tmp_path / "all-history.jsonl").lines
    assert [line["run"] for line in kept[f"{LIVE}/1"]] == [good.plan["run"], bad.plan["run"]]
    assert outcome.plan["commit"] == COMMIT
    assert [one["id"] for one in outcome.summary["flaky"]] == [f"{LIVE}/1"]


def test_a_merge_of_two_commits_has_none(tmp_path: Path) -> None:
    runs = [
        ledger(tmp_path / commit, plan_of([key], commit=Commit(id=commit * 20, clean=True))).path
        for commit, key in (("aa", LIVE), ("bb", PAYMENTS))
    ]
    outcome = complete(merge(runs, tmp_path / "all", tmp_path / "h.jsonl"), "lost")
    assert outcome is not None and outcome.plan["commit"] is None
    with pytest.raises(SelectionError, match="named twice"):
        merge([runs[0], runs[0]], tmp_path / "all", tmp_path / "h.jsonl")


def test_merge_by_the_command_line(tmp_path: Path) -> None:
    for name, key in (("one", LIVE), ("two", PAYMENTS)):
        ledger(tmp_path / name, plan_of([key]))
    done = report("--merge", str(tmp_path / "one"), str(tmp_path / "two"), L3_REPORTS=str(tmp_path / "all"))
    assert done.returncode == 0, done.stderr
    assert "$600K of $1,450K of monthly revenue is verified" in done.stdout
    assert "made of 2 runs" in (tmp_path / "all" / "latest" / "index.html").read_text(encoding="utf-8")


def test_shares_of_a_run_are_merged_and_one_that_is_missing_is_told(tmp_path: Path) -> None:
    whole = plan_of([LIVE, PAYMENTS], scenarios=2)
    for number, key in enumerate((LIVE, PAYMENTS), 1):
        plan = plan_of([LIVE, PAYMENTS], scenarios=2)
        plan["scenarios"] = [one for one in whole["scenarios"] if one["capability"] == key]
        others = [one for one in whole["scenarios"] if one["capability"] != key]
        plan["share"] = Share(number=number, of=2, others=others)
        ledger(tmp_path / str(number), plan)
    done = report("--merge", str(tmp_path / "1"), str(tmp_path / "2"), L3_REPORTS=str(tmp_path / "all"))
    assert done.returncode == 0, done.stderr
    assert "$600K of $1,450K" in done.stdout and "exit 0: all that was merged holds" in done.stdout
    done = report("--merge", str(tmp_path / "2"), L3_REPORTS=str(tmp_path / "half"))
    assert done.returncode == 3, done.stderr
    assert "$500K of $1,450K" in done.stdout and "exit 3" in done.stdout
    rows = [
        json.loads(line)
        for line in (tmp_path / "half" / "latest" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    untold = {row["id"]: row["reason"] for row in rows if row["verdict"] == "unknown"}
    assert untold == {f"{LIVE}/{n}": "share 1/2 of the run did not report" for n in range(2)}


def test_a_merge_of_nothing_but_failures_ends_with_1(tmp_path: Path) -> None:
    ledger(tmp_path / "one", plan_of([LIVE]), but({f"{LIVE}/1": ("failed", REASON)}))
    done = report("--merge", str(tmp_path / "one"), L3_REPORTS=str(tmp_path / "all"))
    assert (done.returncode, "exit 1: a promise was broken" in done.stdout) == (1, True), done.stderr


# Without a browser


def test_without_a_browser_its_tests_are_skipped_and_say_why() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_page.py", "-k", "keyboard"]
    environ = {**os.environ, "L3_BROWSER": "/no/such/browser"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "1 skipped" in done.stdout
    assert "L3_BROWSER names /no/such/browser, which is no program" in done.stdout


# Reasons, taken apart


@pytest.mark.parametrize(
    ("reason", "expected", "seen", "place"),
    [
        (REASON, "200 updates, once each and in order", "got 199: 1 lost (17)", "support/worlds/any.py:164"),
        ("expected 503 within 3 s, got 200 after 0.4 s", "503 within 3 s", "got 200 after 0.4 s", None),
        ("Redis counts 2 after 1 s, expected 0\nin step 'Then x' (a.py:1)", "0", "Redis counts 2 after 1 s", "a.py:1"),
        ("node-1 asked a and was answered 500, not 200", "200", "node-1 asked a and was answered 500", None),
        ("redis died (exit code 1)", None, None, None),
    ],
)
def test_a_reason_is_taken_apart(reason: str, expected: str | None, seen: str | None, place: str | None) -> None:
    found = finding(reason)
    assert (found.expected, found.seen, found.place) == (expected, seen, place)
