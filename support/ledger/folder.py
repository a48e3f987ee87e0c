"""The folder of one run, and who still writes into it.

Every process of a run holds a shared lock on its plan for as long as it lives; the kernel lets go of it, whatever
the process dies of. So the last to leave, and nobody earlier, can take the lock for itself and complete the run.
"""

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from support.errors import LedgerError
from support.ledger.plan import Plan
from support.ledger.rows import CONTAINER_FIELDS, Row, StepRow, append, now
from support.origin import lack

PLAN, LEDGER, CONTAINERS, SUMMARY = "plan.json", "ledger.jsonl", "containers.jsonl", "summary.json"
STEPS, HISTORY, PAGE, MARKDOWN = "steps.jsonl", "history.jsonl", "index.html", "summary.md"
MATRIX = "kill_matrix.json"  # a folder that has one is that of a proof
_HANDED_ON = "L3_RUN_FOLDER"  # the process that began a run, and its folder, for those of its own that take part in it


class RunFolder:
    """A run's folder, held until `leave`. `problem` tells of the first line that could not be written, else None."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path = path
        self.plan = plan
        self.problem: str | None = None
        self._hold: int | None = os.open(path / PLAN, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self._hold, fcntl.LOCK_SH)

    @classmethod
    def create(cls, reports: Path, plan: Plan, link: str = "latest", history: Path | None = None) -> "RunFolder":
        """Makes the folder of a new run below `reports`, writes `plan` there, and lets `link` point to it.

        The run's verdicts will be kept in `history`; without one they are known to nobody but this run, as those of a
        proof. Raises LedgerError when the folder cannot be written.
        """
        _expect_a_link(reports / link)
        plan["run"] = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        plan["began"] = plan["began"] or now()
        path = reports / plan["run"]
        plan["history"] = str(history or path / HISTORY)
        try:
            (path / "evidence").mkdir(parents=True)
            (path / PLAN).write_text(
                json.dumps(plan, indent=1, ensure_ascii=False), encoding="utf-8", errors="backslashreplace"
            )
            (path / LEDGER).touch()
            Path(plan["history"]).parent.mkdir(parents=True, exist_ok=True)
            _point(reports / link, plan["run"])
            return cls(path, plan)
        except OSError as error:
            raise LedgerError(f"the reports folder {reports} cannot be written: {error}; {_mend(error)}") from error

    @classmethod
    def join(cls, path: Path) -> "RunFolder":
        """Takes part in the run in `path`. Raises LedgerError when it is not there."""
        return cls(path, read_plan(path))

    def hand_on(self) -> None:
        """Lets this process, and those that it starts, take part in the run."""
        os.environ[_HANDED_ON] = f"{os.getpid()}:{self.path}"

    @property
    def run(self) -> str:
        """The run's id; it sorts by time."""
        return self.plan["run"]

    def row(self, row: Row) -> None:
        """Adds a row to the ledger; a failure is kept in `problem`, because the verdict is still to be told."""
        self._append(LEDGER, row)

    def container(self, row: Mapping[str, Any]) -> None:
        """Adds a row to containers.jsonl, with the fields that it has there. Raises KeyError when one is missing."""
        self._append(CONTAINERS, {name: row[name] for name in CONTAINER_FIELDS})

    def steps(self, scenario: str, steps: list[StepRow]) -> None:
        """Adds what became of each step of the scenario with the id `scenario` to steps.jsonl."""
        self._append(STEPS, {"id": scenario, "steps": steps})

    def leave(self) -> None:
        """Lets go of the run; doing it again does nothing."""
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        try:
            append(self.path / name, row)
        except OSError as error:
            self.problem = self.problem or unwritten(self.path, error)


def handed_on() -> Path | None:
    """The folder of the run that this process, or its parent, began; None when it is to begin one.

    What a run of somebody else's has left in the environment does not count.
    """
    owner, _, path = os.environ.get(_HANDED_ON, "").partition(":")
    return Path(path) if owner in (str(os.getpid()), str(os.getppid())) else None


def read_plan(path: Path) -> Plan:
    """The plan of the run in `path`. Raises LedgerError when there is none."""
    try:
        return cast(Plan, json.loads((path / PLAN).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LedgerError(f"expected the plan of a run in {path}: {error}") from error


def unwritten(path: Path, error: OSError) -> str:
    """The sentence for a report that could not be written, with its mend."""
    return f"not all could be written into {path}: {error}; {_mend(error)}"


def _mend(error: OSError) -> str:
    other = "or name another folder by L3_REPORTS"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"free some space, {other}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"make it writable, {other}"
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return f"move away what has that name, {other}"
    return lack(error) or "name another folder by L3_REPORTS"


def _expect_a_link(path: Path) -> None:
    if path.exists() and not path.is_symlink():
        raise LedgerError(
            f"{path} is to be a link to the newest run, and something else has that name, as after an artifact was "
            f"unpacked; move it away, or name another folder by L3_REPORTS"
        )


def _point(link: Path, target: str) -> None:
    """Moves a symbolic link in one step: there is never a moment without it."""
    new = link.with_name(f".latest-{target}")
    new.symlink_to(target)
    new.replace(link)
