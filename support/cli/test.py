"""`./l3 test`: the suite's own code, checked: linters, types, steps, and then its tests."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, cast

from support.cli import browser
from support.settings import ROOT

CHECKS = {
    "ruff check": ["ruff", "check", "--output-format=concise"],
    "ruff format": ["ruff", "format", "--check", "--output-format=concise"],
    "mypy": ["mypy"],
    "undefined steps": ["behave", "--dry-run", "--format=null", "--no-summary"],
}
# A test waits for containers more than it computes, so twice as many as there are cores.
SIDE_BY_SIDE = [f"-n{2 * (os.cpu_count() or 1)}", "--dist=loadgroup"]


@dataclass(frozen=True)
class Outcome:
    """How a check ended: its exit code, what it printed, and how many seconds it took."""

    code: int
    output: str
    took_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing of its own: what the launcher does not know is handed on to pytest."""
    parser.epilog = "Everything else is handed on to pytest: ./l3 test -x -k launcher"


def execute(options: argparse.Namespace) -> int:
    """Runs pytest with the checks beside it. Returns pytest's code, or 1 if only a check failed.

    The checks tell their verdicts first, because the last line is pytest's own.
    """
    if lack := browser.lack():
        print(f"skipping the tests of the page: {lack}", flush=True)
    with ThreadPoolExecutor(len(CHECKS)) as pool, _pytest(options.handed_on) as tests:
        outcomes = list(pool.map(_check, CHECKS.values()))
        for name, outcome in zip(CHECKS, outcomes, strict=True):
            _tell(name, outcome)
        while said := os.read(cast(IO[bytes], tests.stdout).fileno(), 65536):
            sys.stdout.buffer.write(said)
            sys.stdout.flush()
    return tests.returncode or int(any(outcome.code for outcome in outcomes))


def _pytest(words: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Starts the tests, side by side unless `words` say how many. What they print waits until it is asked for."""
    how = [] if any(word.startswith(("-n", "--numprocesses", "--dist")) for word in words) else SIDE_BY_SIDE
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    return subprocess.Popen(
        _module("pytest", *how, *colour, *words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _check(words: Sequence[str]) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        _module(*words),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Outcome(done.returncode, done.stdout, time.monotonic() - began)


def _tell(name: str, outcome: Outcome) -> None:
    if outcome.code:
        print(outcome.output.rstrip())
    print(f"{name}: {'FAILED' if outcome.code else 'clean'} ({outcome.took_s:.1f} s)", flush=True)


def _module(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]
