"""Runs of tiny behave projects in processes of their own, and what they leave behind."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent
_LAUNCH = """
import argparse, pathlib, sys
from support import footing
footing.take()
from support.cli import run
run.ROOT = pathlib.Path.cwd()
parser = argparse.ArgumentParser()
run.add_arguments(parser)
sys.exit(run.execute(parser.parse_args()))
"""


@dataclass(frozen=True)
class Run:
    """A run that has ended: its exit code, what it printed, and its reports folder."""

    code: int
    output: str
    reports: Path

    @property
    def folder(self) -> Path:
        """The newest run's folder."""
        return self.reports / "latest"

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The ledger's rows by id; fails when an id has two."""
        rows = [json.loads(line) for line in (self.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
        assert len({row["id"] for row in rows}) == len(rows), rows
        return {row["id"]: row for row in rows}

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict by id."""
        return {key: row["verdict"] for key, row in self.rows.items()}

    @property
    def summary(self) -> Any:
        """summary.json."""
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))


def start(
    project: Path,
    reports: Path,
    arguments: Sequence[str],
    launcher: bool = False,
    environ: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Starts behave, or the launcher's run command, in `project`, with `environ` besides."""
    program = ["-c", _LAUNCH] if launcher else ["-m", "behave"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(TESTS.parent),
        "L3_REPORTS": str(reports),
        "PYTHONUNBUFFERED": "1",
        **(environ or {}),
    }
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def behave(project: Path, reports: Path, *arguments: str) -> Run:
    """Runs plain behave to its end, at most for 30 s."""
    return _ended(start(project, reports, arguments), reports)


def launch(project: Path, reports: Path, *arguments: str) -> Run:
    """Runs the launcher's run command to its end, at most for 30 s."""
    return _ended(start(project, reports, arguments, launcher=True), reports)


def _ended(process: subprocess.Popen[str], reports: Path) -> Run:
    output, _ = process.communicate(timeout=30)
    return Run(process.returncode, output, reports)
