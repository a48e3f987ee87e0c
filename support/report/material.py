"""Everything that a report is made of, read from the folder of a run and from what lies beside it.

A file that is missing or damaged takes away what it would have told, and nothing more; that is said in `problems`.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from support.errors import LedgerError
from support.ledger.completion import Outcome
from support.ledger.folder import CONTAINERS, LEDGER, MATRIX, STEPS, read_plan
from support.ledger.plan import platform_of

EARLIER_RUNS = 20
TIMES = ("created_s", "started_s", "ready_s")
Json = dict[str, Any]
Starts = dict[tuple[str, str, str], list[float]]


@dataclass(frozen=True)
class Matrix:
    """The newest kill matrix: when it was made, and by scenario the titles of the planted bugs that it judged.

    `proved` is the date of what is told of a scenario, that of the oldest verdict where it is of several proofs.
    """

    began: str
    caught: dict[str, list[str]] = field(default_factory=dict)
    missed: dict[str, list[str]] = field(default_factory=dict)
    proved: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """An outcome with what was written beside its ledger.

    `steps` by scenario; `containers` as in containers.jsonl; `starts` of earlier runs: the seconds that `since_let_in`
    tells, by capability, service and name of the time; `matrix` is None where there is none.
    """

    outcome: Outcome
    steps: dict[str, list[Json]]
    containers: list[Json]
    starts: Starts
    earlier_runs: int
    matrix: Matrix | None
    problems: list[str]


def gather(outcome: Outcome) -> Material:
    """Reads what belongs to `outcome`."""
    problems: list[str] = []
    _rows(outcome.path / LEDGER, ("id", "verdict"), problems)
    steps = _rows(outcome.path / STEPS, ("id", "steps"), problems)
    containers = _rows(outcome.path / CONTAINERS, ("capability", "service", *TIMES), problems)
    starts, runs = _starts(outcome)
    return Material(
        outcome=outcome,
        steps={row["id"]: row["steps"] for row in steps},
        containers=containers,
        starts=starts,
        earlier_runs=runs,
        matrix=_matrix(outcome.path.parent / MATRIX, problems),
        problems=problems,
    )


def _rows(path: Path, fields: Collection[str], problems: list[str] | None = None) -> list[Json]:
    """The objects in a file of JSON lines that have `fields`; the other lines are told in `problems`."""
    found, damaged = [], []
    for number, row in _numbered(path):
        if isinstance(row, dict) and set(fields) <= row.keys():
            found.append(row)
        else:
            damaged.append(number)
    if damaged and problems is not None:
        which = ", ".join(map(str, damaged[:5])) + (", …" if len(damaged) > 5 else "")
        lines = "line" if len(damaged) == 1 else "lines"
        problems.append(f"{path.name} is damaged, and what {lines} {which} told is lost")
    return found


def _numbered(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        text = path.read_bytes()
    except OSError:
        return
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def since_let_in(row: Json, name: str) -> float | None:
    """Seconds from when the fleet was let in until `name`: how long it waited for memory is no part of any start."""
    value = row[name]
    return max(0.0, value - (row.get("waited_s") or 0.0)) if isinstance(value, int | float) else None


def _starts(outcome: Outcome) -> tuple[Starts, int]:
    """How containers started in the newest runs of this platform before this one, and how many runs these are.

    A run id is a time, so the names of their folders sort by it.
    """
    names = sorted(path.parent.name for path in outcome.path.parent.glob(f"*/{CONTAINERS}") if _is_run(path.parent))
    before = (name for name in reversed(names) if name < outcome.plan["run"])
    same = (name for name in before if _judged(outcome.path.parent / name) == platform_of(outcome.plan)["name"])
    earlier = [*islice(same, EARLIER_RUNS)][::-1]
    starts: Starts = {}
    for run in earlier:
        for row in _rows(outcome.path.parent / run / CONTAINERS, ("capability", "service", *TIMES)):
            for name in TIMES:
                if (seconds := since_let_in(row, name)) is not None:
                    starts.setdefault((row["capability"], row["service"], name), []).append(seconds)
    return starts, len(earlier)


def _is_run(folder: Path) -> bool:
    """`latest` is but a second name of a run, and a proof is another thing."""
    return not folder.is_symlink() and not (folder / MATRIX).exists()


def _judged(folder: Path) -> str | None:
    """The name of the platform that a run judged; None where its plan does not tell."""
    try:
        return platform_of(read_plan(folder))["name"]
    except LedgerError:
        return None


def _matrix(path: Path, problems: list[str]) -> Matrix | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        matrix = Matrix(str(data["began"]))
        for mutant in data["mutants"]:
            _enter(matrix, mutant)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.append(f"{path.name} cannot be read: {type(error).__name__}: {error}")
        return None
    return matrix


def _enter(matrix: Matrix, mutant: Json) -> None:
    for scenario in mutant["caught_by"]:
        matrix.caught.setdefault(scenario, []).append(mutant["title"])
    date = mutant.get("proved") or matrix.began
    for scenario in mutant["claims"]:
        matrix.proved[scenario] = min(date, matrix.proved.get(scenario, date))
        if mutant["verdict"] == "survived":
            matrix.missed.setdefault(scenario, []).append(mutant["title"])
