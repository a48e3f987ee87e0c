"""The end of a run, by whoever is left to tell it: no selected scenario stays without a row."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from support.ledger import junit
from support.ledger.folder import LEDGER, PLAN, SUMMARY, read_plan, unwritten
from support.ledger.plan import Plan
from support.ledger.rows import Row, append, blank, read
from support.ledger.summary import UNKNOWN, Summary, exit_code, summarise


@dataclass(frozen=True)
class Outcome:
    """A run that is complete: a row for every planned scenario, in the plan's order, and their sums."""

    path: Path
    plan: Plan
    rows: list[Row]
    summary: Summary
    problem: str | None = None

    @property
    def exit_code(self) -> int:
        """0, 1 or 3; what could not be written makes a run that passed an unknown one."""
        return exit_code(self.summary["verdicts"]) or (UNKNOWN if self.problem else 0)


def complete(run_dir: Path, reason: str) -> Outcome | None:
    """Gives every planned scenario without a row an unknown one, for `reason`, and writes summary and JUnit files.

    Does nothing and returns None while another process of the run lives: the last one completes. May be called
    again. Raises LedgerError when there is no plan, OSError when something cannot be written.
    """
    plan = read_plan(run_dir)
    file = os.open(run_dir / PLAN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _write(run_dir, plan, reason)
    except BlockingIOError:
        return None
    finally:
        os.close(file)


def outcome(run_dir: Path, plan: Plan, rows: list[Row], reason: str, problem: str | None = None) -> Outcome:
    """The same without a disk: what is known of `rows`, completed for `reason`."""
    known = {row["id"]: row for row in rows}
    full = [known.get(planned["id"]) or blank(plan["run"], planned, reason) for planned in plan["scenarios"]]
    return Outcome(run_dir, plan, full, summarise(plan, full), problem)


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
    new.write_text(json.dumps(result.summary, indent=1))
    new.replace(run_dir / SUMMARY)
    return result
