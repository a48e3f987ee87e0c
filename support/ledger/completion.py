"""The end of a run, by whoever is left to tell it: no selected scenario stays without a row."""

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from support.ledger import history, junit
from support.ledger.folder import LEDGER, PLAN, SUMMARY, read_plan, unwritten
from support.ledger.history import History, Line, Rate
from support.ledger.plan import Plan
from support.ledger.rows import Row, append, blank, read
from support.ledger.summary import UNKNOWN, Summary, exit_code, summarise


@dataclass(frozen=True)
class Outcome:
    """A run that is complete: a row for every planned scenario, in the plan's order, and their sums.

    `past` is the history before this run, `lines` what the run adds to it, and `rates` how often each scenario passed
    and failed on the ground that it stands on. `warnings` change no verdict.
    """

    path: Path
    plan: Plan
    rows: list[Row]
    summary: Summary
    past: History
    lines: list[Line]
    rates: dict[str, Rate]
    problem: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0, 1 or 3; what could not be written makes a run that passed an unknown one."""
        return exit_code(self.summary["verdicts"]) or (UNKNOWN if self.problem else 0)


def complete(run_dir: Path, reason: str, kept_in: Path | None = None) -> Outcome | None:
    """Gives every planned scenario without a row an unknown one, for `reason`, and writes summary and JUnit files.

    Does nothing and returns None while another process of the run lives: the last one completes. May be called
    again. `kept_in` is the history, if not the one that the plan names. Raises LedgerError when there is no plan,
    OSError when something cannot be written.
    """
    plan = read_plan(run_dir)
    if kept_in:
        plan["history"] = str(kept_in)
    file = os.open(run_dir / PLAN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _write(run_dir, plan, reason)
    except BlockingIOError:
        return None
    finally:
        os.close(file)


def outcome(run_dir: Path, plan: Plan, rows: list[Row], reason: str, problem: str | None = None) -> Outcome:
    """The same without writing: what is known of `rows`, completed for `reason`."""
    known = {row["id"]: row for row in rows}
    full = [known.get(planned["id"]) or blank(plan["run"], planned, reason) for planned in plan["scenarios"]]
    past = history.read(history.file_of(run_dir, plan))
    lines = history.lines_of(run_dir, plan, full)
    rates = past.rates(lines)
    summary = summarise(plan, full, rates)
    return Outcome(run_dir, plan, full, summary, past, lines, rates, problem, [*past.problems])


def complete_or_tell(run_dir: Path, plan: Plan, rows: list[Row], reason: str, problem: str | None) -> Outcome | None:
    """Completes the run; where the disk does not let it, tells from memory (`rows`) what can be told.

    `problem` is what went wrong earlier in writing. None while another process of the run lives.
    """
    if not problem:
        try:
            return complete(run_dir, reason)
        except OSError as error:
            problem = unwritten(run_dir, error)
    return outcome(run_dir, plan, rows, reason, problem)


def _write(run_dir: Path, plan: Plan, reason: str) -> Outcome:
    before = read(run_dir / LEDGER)
    written = {row["id"] for row in before}
    result = outcome(run_dir, plan, before, reason)
    for row in result.rows:
        if row["id"] not in written:
            append(run_dir / LEDGER, row)
    junit.write(run_dir / "junit", plan, result.rows)
    new = run_dir / f".{SUMMARY}"
    new.write_text(json.dumps(result.summary, indent=1), encoding="utf-8", errors="backslashreplace")
    new.replace(run_dir / SUMMARY)
    _note(result)
    return result


def _note(result: Outcome) -> None:
    """Adds the run to the history; that this cannot be done is told, and no part of any verdict."""
    path = history.file_of(result.path, result.plan)
    try:
        history.note(path, result.lines, result.past)
    except OSError as error:
        result.warnings.append(f"the history {path} could not be written: {error}; name another by L3_HISTORY")
