"""No caller's environment and no reader of the output changes a verdict; nothing but a broken promise ends with 1."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from behave_runs import TESTS

from support import footing
from support.turn import lock_file

ROOT = TESTS.parent
PROJECT = TESTS / "projects" / "verdicts"
BEHAVE = f"{sys.executable} -m behave"
RUN = f"{sys.executable} -c 'from behave_runs import _LAUNCH; exec(_LAUNCH)'"


def shell(
    line: str, reports: Path, environ: Mapping[str, str] = MappingProxyType({}), cwd: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    """A line of bash in a project, with the exit code of the first command of a pipe that failed."""
    own = {"PYTHONPATH": f"{ROOT}:{TESTS}", "L3_REPORTS": str(reports)}
    unbent = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=cwd,
        env={**unbent, **own, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("program", [BEHAVE, RUN], ids=["behave", "launcher"])
@pytest.mark.parametrize("features, code", [("saving.feature", 0), ("endings.feature:7", 1)])
@pytest.mark.parametrize("where", [">&- 2>&- <&-", ">/dev/full 2>/dev/full", "| head -1", "2>&1 | head -c 1"])
def test_who_closes_the_output_ends_the_talking_and_not_the_run(
    program: str, features: str, code: int, where: str, tmp_path: Path
) -> None:
    done = shell(f"{program} features/{features} {where}", tmp_path)
    assert done.returncode == code, done.stderr
    assert {"ledger.jsonl", "summary.json", "index.html"} <= {path.name for path in (tmp_path / "latest").iterdir()}


@pytest.mark.parametrize("program", [BEHAVE, f"{ROOT}/l3 report", f"{sys.executable} -m support.cli report"])
@pytest.mark.parametrize("name", ["PYTHONOPTIMIZE", "PYTHONINSPECT"])
def test_an_interpreter_that_drops_assertions_or_the_exit_code_is_refused(
    program: str, name: str, tmp_path: Path
) -> None:
    done = shell(f"{program} </dev/null", tmp_path, {name: "1"})
    assert done.returncode == 3
    assert f"{name} (or -" in done.stderr
    assert not list(tmp_path.iterdir())


BENT = {
    "PYTHONSAFEPATH": "1",
    "PYTHONPATH": "/nowhere",
    "PYTHONHOME": "",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "PYTHONWARNINGS": "error",
    "PYTHONIOENCODING": "ascii",
    "PYTHONSTARTUP": "/nowhere",
    "GIT_DIR": "/nowhere",
}


def test_a_helper_starts_from_everywhere_whatever_its_caller_has_set(tmp_path: Path) -> None:
    done = subprocess.run(
        footing.helper("support.run.guard", "a-run", str(tmp_path), "1"),
        cwd="/",
        env={**os.environ, **BENT},
        input=b"done",
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"alive", b"")


@pytest.mark.parametrize("program", [BEHAVE, RUN, f"{RUN} --jobs 2"], ids=["behave", "launcher", "jobs"])
def test_no_letter_ends_a_run_whatever_the_locale(program: str, tmp_path: Path) -> None:
    reports = tmp_path / os.fsdecode(b"r\xe9ports of Zo\xc3\xab")
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    more = f"-f plain -o {tmp_path / 'plain'} -f pretty" if program == BEHAVE else ""
    done = shell(f"{program} features/letters.feature {more}", reports, locale)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "t\\xfcss" in done.stdout or "tsch" in done.stdout
    made = {path.name for path in (reports / "latest").iterdir()}
    assert {"ledger.jsonl", "summary.json", "index.html", "summary.md", "junit"} <= made
    (row,) = ((reports / "latest" / "ledger.jsonl").read_bytes()).splitlines()
    assert json.loads(row)["reason"].startswith("expected tschüß 🙂, got ")


def test_what_a_process_starts_inherits_nothing_of_its_callers_python_nor_of_a_hook_of_git(tmp_path: Path) -> None:
    taken = "from support import footing; footing.take(); import os; print(*sorted(os.environ))"
    done = shell(f"{sys.executable} -c '{taken}'", tmp_path, {**BENT, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": ""})
    assert done.returncode == 0, done.stderr
    assert not [name for name in done.stdout.split() if name.startswith("PYTHON") or name == "GIT_DIR"]


@pytest.mark.parametrize(
    "given, spared",
    [
        ({}, None),
        ({"http_proxy": "http://p"}, "127.0.0.1,localhost"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a.example"}, "a.example,127.0.0.1,localhost"),
        ({"https_proxy": "http://p", "no_proxy": "localhost,127.0.0.1"}, "localhost,127.0.0.1"),
        ({"http_proxy": "http://p", "no_proxy": "*"}, "*"),
    ],
)
def test_nothing_on_loopback_is_asked_of_a_proxy(
    given: dict[str, str], spared: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    footing._spare_loopback_the_proxies()
    found = os.environ.get("no_proxy")
    monkeypatch.setenv("no_proxy", "")  # so that it is put back
    monkeypatch.setenv("NO_PROXY", "")
    assert found == spared


def test_all_who_wait_for_a_turn_wait_for_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = lock_file("test")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert lock_file("test") == before
    before.unlink()


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 4000)
    taken = "from support import footing; footing.take(); print(footing.open_files())"
    done = shell(f"ulimit -Sn 64; ulimit -Hn {hard}; {sys.executable} -c '{taken}'", tmp_path)
    assert done.stdout.strip() == str(hard), done.stderr


@pytest.mark.parametrize("program", [BEHAVE, RUN], ids=["behave", "launcher"])
def test_a_run_that_may_need_more_files_says_so_before_it_starts(program: str, tmp_path: Path) -> None:
    line = f"{program} features/saving.feature"
    few, many = shell(f"ulimit -n 256; {line}", tmp_path), shell(line, tmp_path)
    assert (few.returncode, many.returncode) == (0, 0)
    assert few.stdout.index("may open 256 files at once") < few.stdout.index("run 2")
    assert "files at once" not in many.stdout


FEATURE = b"@L3 @tier1 @mrr.100000 @container.redis\nFeature: One\n\n  Scenario: One\n    Given a promise is kept\n"
TWICE = "from behave import step\n@step('a promise is kept')\ndef twice(context): pass\n"
BROKEN_BEGINNING = "import support.run.prelude as p\np.begin()\ndef before_all(context): 1 / 0\n"
BROKEN_RECORDER = (PROJECT / "environment.py").read_text(
    encoding="utf-8"
) + "\nRecorder.feature = lambda self, feature: 1 / 0\n"
# A cause in every layer: what plants it, and what is told.
LAYERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "latin-1": (lambda p: (p / "features/a.feature").write_bytes(b"# Zo\xeb"), "a.feature:1 is not UTF-8 (byte 0xeb)"),
    "mark": (lambda p: (p / "features/a.feature").write_bytes(b"\xef\xbb\xbf" + FEATURE), "byte order mark"),
    "grammar": (lambda p: (p / "features/a.feature").write_bytes(b"Feture: x"), "No feature found"),
    "steps": (lambda p: (p / "steps/b.py").write_text("import nowhere"), "No module named 'nowhere'"),
    "syntax": (lambda p: (p / "steps/b.py").write_text("if"), "SyntaxError"),
    "exit": (lambda p: (p / "steps/b.py").write_text("raise SystemExit(1)"), "could not begin"),
    "ambiguous": (lambda p: (p / "steps/b.py").write_text(TWICE), "AmbiguousStep"),
    "hooks": (lambda p: (p / "environment.py").write_text("import support.run.prelude as p; p.begin(); 1 / 0"), "Zero"),
    "before_all": (lambda p: (p / "environment.py").write_text(BROKEN_BEGINNING), "ZeroDivisionError"),
    "dry run": (lambda p: (p / "behave.ini").write_text("[behave]\ndry_run = true\n"), "asks for a dry run"),
    "reporter": (lambda p: (p / "environment.py").write_text(BROKEN_RECORDER), "ZeroDivisionError"),
}


@pytest.mark.parametrize("program", [BEHAVE, RUN], ids=["behave", "launcher"])
@pytest.mark.parametrize("layer", LAYERS)
def test_an_error_that_nobody_caught_ends_with_3_and_its_cause(layer: str, program: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "features").mkdir(parents=True)
    (project / "steps").mkdir()
    for name in ("behave.ini", "environment.py", "steps/steps.py"):
        (project / name).write_bytes((PROJECT / name).read_bytes())
    (project / "features/a.feature").write_bytes(FEATURE)
    plant, told = LAYERS[layer]
    plant(project)
    done = shell(program, tmp_path / "reports", cwd=project)
    assert done.returncode == 3, done.stdout + done.stderr
    assert told in done.stdout + done.stderr
