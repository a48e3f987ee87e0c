"""What a proof and a run are narrowed to: what changed, a sample of each day, shares, what fits a time."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from support.errors import SelectionError
from support.proof.changes import Changes, changes_since
from support.proof.choice import Choice, changed_and_sampled, fitting, key_of, shared
from support.proof.mutants import Mutant
from support.run.shares import Share, features_of, share, shared_out
from support.settings import ROOT

LIVE, PRICES = "websocket_redis_pubsub", "cache_invalidation_redis"
DAY = date(2026, 11, 26)


def mutant(capability: str, number: int) -> Mutant:
    claim = f"{capability}/{number % 5}"
    return Mutant(capability, f"bug-{number}", "A bug", "app.py", "a", "b", (claim,), "somewhere")


POOL = [mutant(capability, number) for capability in (LIVE, PRICES) for number in range(30)]


def names(mutants: Sequence[Mutant]) -> set[tuple[str, str]]:
    return set(map(key_of, mutants))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit, in which every kind of file stands."""
    for path in (
        f"features/tier1/{LIVE}.feature",
        f"steps/{LIVE}.py",
        "steps/faults.py",
        f"support/capabilities/{LIVE}/nodes.toml",
        f"support/reference/{PRICES}/capability.py",
        "support/reference/app.py",
        f"support/platforms/reference/{PRICES}.py",
        "support/platforms/theirs/adapter.py",
        "support/worlds/world.py",
        "support/report/page.py",
        "docs/architecture.md",
        "tests/test_page.py",
        "requirements.txt",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("before\n")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message", "one")


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"features/tier1/{LIVE}.feature", {LIVE}),
        (f"steps/{LIVE}.py", {LIVE}),
        (f"support/capabilities/{LIVE}/nodes.toml", {LIVE}),
        (f"support/capabilities/{LIVE}/new.py", {LIVE}),
        (f"support/reference/{PRICES}/capability.py", {PRICES}),
        (f"support/platforms/reference/{PRICES}.py", {PRICES}),
        ("docs/architecture.md", set()),
        ("tests/test_page.py", set()),
        ("support/report/page.py", set()),
        ("support/platforms/theirs/adapter.py", set()),
        ("steps/faults.py", None),
        ("support/reference/app.py", None),
        ("support/worlds/world.py", None),
        ("support/capabilities/of_nobody/world.py", None),
        ("requirements.txt", None),
        ("something new", None),
    ],
)
def test_a_change_concerns_its_capability_or_nobody_or_all(
    project: Path, path: str, expected: set[str] | None, committed: bool
) -> None:
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text("after\n")
    if committed:
        commit(project)
    found = changes_since("HEAD~1" if committed else "HEAD", [LIVE, PRICES], project)
    shared = (path,) if expected is None else ()
    assert found == Changes(frozenset(expected or ()), shared)


def test_a_file_that_is_gone_has_changed_too(project: Path) -> None:
    (project / "steps" / f"{LIVE}.py").unlink()
    assert changes_since("HEAD", [LIVE, PRICES], project) == Changes(frozenset({LIVE}), ())


@pytest.mark.parametrize("revision", ["no-such-branch", "--all", "HEAD~7", ""])
def test_a_revision_that_nobody_knows_is_told_with_its_mend(project: Path, revision: str) -> None:
    with pytest.raises(SelectionError, match="leave --changed out, and all is proved"):
        changes_since(revision, [LIVE], project)
    with pytest.raises(SelectionError, match="git knows no revision HEAD here"):
        changes_since("HEAD", [LIVE], Path("/"))


def test_what_changed_is_taken_and_a_sample_of_the_others_told() -> None:
    found = changed_and_sampled(POOL, Changes(frozenset({LIVE}), ()), 4, DAY)
    assert names(found.mutants[:30]) == names(POOL[:30])
    assert len(found.mutants) == 34 and {one.capability for one in found.mutants[30:]} == {PRICES}
    assert found.told[0] == f"30 mutants of what has changed: {LIVE}"
    assert all(one.id in found.told[1] for one in found.mutants[30:]), found.told


def test_a_change_of_what_all_share_takes_all_and_names_it() -> None:
    found = changed_and_sampled(POOL, Changes(frozenset({PRICES}), ("steps/faults.py",)), 4, DAY)
    assert names(found.mutants) == names(POOL)
    assert found.mutants[0].capability == PRICES, "what changed itself comes first"
    assert "steps/faults.py" in found.told[0]


def test_nothing_that_changed_is_nothing_to_prove() -> None:
    assert changed_and_sampled(POOL, Changes(frozenset(), ()), 0, DAY).mutants == []
    assert changed_and_sampled(POOL, None, 0, DAY).mutants == POOL


@pytest.mark.parametrize("sample", [1, 7, 40, 60, 100])
@pytest.mark.parametrize("changes", [None, Changes(frozenset({LIVE}), ())])
def test_samples_come_round(sample: int, changes: Changes | None) -> None:
    days = -(-len(POOL) // sample)
    taken: set[tuple[str, str]] = set()
    for day in range(days):
        found = changed_and_sampled(POOL, changes, sample, DAY + timedelta(days=day))
        taken |= names(found.mutants)
    assert taken == names(POOL)
    assert changed_and_sampled(POOL, changes, sample, DAY) == changed_and_sampled(POOL, changes, sample, DAY)


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shares_of_a_proof_are_disjoint_complete_and_about_as_long(of: int) -> None:
    took = {f"{LIVE}/{number}": 3.0 * number for number in range(5)}
    shares = [shared(Choice(POOL), Share(number, of), took) for number in range(1, of + 1)]
    assert sorted(key_of(one) for choice in shares for one in choice.mutants) == sorted(names(POOL))
    for choice in shares:
        assert names(choice.mutants) | names(choice.others) == names(POOL)
        assert len(choice.mutants) + len(choice.others) == len(POOL)
    lengths = [sum(4 + took.get(one.scenarios[0], 2) for one in choice.mutants) for choice in shares]
    assert max(lengths) < 1.5 * sum(lengths) / of


def test_what_does_not_fit_the_time_is_what_was_proved_last_and_is_told() -> None:
    choice = changed_and_sampled(POOL, Changes(frozenset({PRICES}), ("requirements.txt",)), 0, DAY)
    proved = {key_of(one): f"2026-11-{10 + number % 15}" for number, one in enumerate(POOL)}
    found = fitting(choice, 240.0, DAY, {}, proved)
    assert [one.capability for one in found.mutants[:30]] == [PRICES] * 30
    dates = [proved[key_of(one)] for one in found.mutants[30:]]
    assert 0 < len(dates) < 30 and dates == sorted(dates)
    assert found.told[-1] == f"{60 - len(found.mutants)} do not fit the time, and keep their last verdicts: " + (
        f"{60 - len(found.mutants)} of {LIVE}"
    )
    assert fitting(choice, 9000.0, DAY, {}, proved) == choice
    assert len(fitting(choice, 0.1, DAY, {}, proved).mutants) == 1


def test_what_fits_the_time_is_some_of_each_capability_where_no_dates_are_known() -> None:
    found = fitting(Choice(POOL), 200.0, DAY, {}, {})
    assert {one.capability for one in found.mutants} == {LIVE, PRICES}
    assert fitting(Choice(POOL), 200.0, DAY + timedelta(days=1), {}, {}) != found


def test_shares_of_a_run_leave_features_whole_and_an_empty_one_is_refused() -> None:
    planned = [
        {"id": f"{key}/{n}", "capability": key} for key, count in (("a", 9), ("b", 4), ("c", 4)) for n in range(count)
    ]
    took = {f"b/{n}": 3.0 for n in range(4)}
    assert [features_of(Share(n, 2), planned, took) for n in (1, 2)] == [["a"], ["b", "c"]]  # type: ignore[arg-type]
    with pytest.raises(SelectionError, match=r"share 4/4 is empty.*at most 3 shares, such as 1/3"):
        features_of(Share(4, 4), planned, took)  # type: ignore[arg-type]


def test_the_longest_are_shared_out_first() -> None:
    assert shared_out([5, 1, 4, 2, 3], 2, float) == [[5, 1, 2], [4, 3]]


@pytest.mark.parametrize("text", ["2", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1 / 2", ""])
def test_a_share_that_is_none_is_told_with_its_mend(text: str) -> None:
    with pytest.raises(ValueError, match="expected K/N with K from 1 to N"):
        share(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "--shard", "3/2"], "expected K/N with K from 1 to N, such as 2/4"),
        (["run", "--shard", "99/99"], "share 99/99 is empty"),
        (["prove", "--shard", "two"], "expected K/N with K from 1 to N, such as 2/4"),
        (["prove", "--sample", "some"], "expected a number of mutants, got 'some'"),
        (["prove", "--within", "soon"], "expected a duration"),
        (["prove", "--changed", "no-such-branch"], "git knows no revision no-such-branch here"),
        (["prove", "--changed", ""], "git knows no revision"),
    ],
)
def test_a_wrong_narrowing_ends_with_2(words: list[str], told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "l3"), *words],
        env={"PATH": "/usr/bin:/bin", "L3_REPORTS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []
