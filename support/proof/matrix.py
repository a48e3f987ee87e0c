"""The kill matrix: which scenario caught which mutant."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from support.errors import SuiteError
from support.ledger.rows import Row
from support.proof.mutants import Mutant, Promises
from support.proof.versions import Version

Cell = Literal["caught", "let through", "unknown", "not run"]
Fate = Literal["caught", "survived", "unknown"]
_CELLS: dict[str, Cell] = {"failed": "caught", "passed": "let through", "unknown": "unknown"}

CAUGHT, SURVIVED, UNKNOWN = 0, 1, 3


class MutantRow(TypedDict):
    """What became of one mutant. `claims` and `caught_by` are scenario ids; `reason` tells why it is unknown.

    `proved` is when the proof that told this began (ISO 8601 UTC).
    """

    id: str
    capability: str
    title: str
    claims: list[str]
    caught_by: list[str]
    verdict: Fate
    proved: str
    seconds: float
    reason: str | None


class ScenarioRow(TypedDict):
    """What one scenario made of each mutant of its capability, by the mutant's id; seconds of its steps, where run."""

    id: str
    capability: str
    name: str
    mutants: dict[str, Cell]
    seconds: dict[str, float]


class Share(TypedDict):
    """The share that a proof is of a whole: the one with `number` (from 1) `of` so many; `others` is what these owe."""

    number: int
    of: int
    others: list[MutantRow]


class Matrix(TypedDict):
    """A proof. `began` is ISO 8601 UTC; `problem` says why it was not brought to its end, else null.

    `share` is there where several proofs share the work.
    """

    run: str
    began: str
    seconds: float
    problem: str | None
    mutants: list[MutantRow]
    scenarios: list[ScenarioRow]
    share: NotRequired[Share]


def exit_code(matrix: Matrix) -> int:
    """0 when all are caught, 1 when one survived, 3 when none did and one could not be told."""
    fates = {mutant["verdict"] for mutant in matrix["mutants"]}
    if "survived" in fates:
        return SURVIVED
    return UNKNOWN if "unknown" in fates or matrix["problem"] else CAUGHT


def blank(mutant: Mutant, began: str, reason: str) -> MutantRow:
    """The row of a mutant that was not judged, for `reason`, by the proof that `began` then."""
    return MutantRow(
        id=mutant.id,
        capability=mutant.capability,
        title=mutant.title,
        claims=list(mutant.scenarios),
        caught_by=[],
        verdict="unknown",
        proved=began,
        seconds=0.0,
        reason=reason,
    )


def mutant_row(version: Version, rows: Mapping[str, Row], began: str, otherwise: str) -> MutantRow:
    """What became of the version's mutant, by the ledger's `rows`; `otherwise` is why a row may be missing."""
    mutant = version.mutant
    if mutant is None:
        raise SuiteError(f"{version.key} has no mutant")
    cells = {key: _cell(version, key, rows) for key in mutant.scenarios}
    found = blank(mutant, began, otherwise)
    found["verdict"], found["seconds"] = _fate(cells), seconds(version, rows)
    found["caught_by"] = [key for key, cell in cells.items() if cell == "caught"]
    untold = (version.row_of(key, rows) for key, cell in cells.items() if cell in ("unknown", "not run"))
    reason = next((row["reason"] for row in untold if row and row["reason"]), otherwise)
    found["reason"] = reason if found["verdict"] == "unknown" else None
    return found


def scenario_rows(
    versions: Sequence[Version], known: Mapping[str, Promises], rows: Mapping[str, Row]
) -> list[ScenarioRow]:
    """A row for each scenario of each capability that has one of `versions`."""
    found = []
    for capability in sorted({version.mutant.capability for version in versions if version.mutant}):
        its = [(version, version.mutant.id) for version in versions if _is_of(version, capability) and version.mutant]
        for key, title in known[capability].scenarios.items():
            ran = {name: row for version, name in its if (row := version.row_of(key, rows))}
            found.append(
                ScenarioRow(
                    id=key,
                    capability=capability,
                    name=title,
                    mutants={name: _cell(version, key, rows) for version, name in its},
                    seconds={name: row["duration_s"] for name, row in ran.items() if row["started"]},
                )
            )
    return found


def seconds(version: Version, rows: Mapping[str, Row]) -> float:
    """What its nodes took to start, and its scenarios to run."""
    ran = [row for key in version.scenarios if (row := version.row_of(key, rows))]
    return round(sum(row["duration_s"] + (row["fleet_s"] or 0.0) for row in ran), 1)


def ended(version: Version, rows: Mapping[str, Row]) -> bool:
    """Whether every scenario that judges the version has told."""
    return all(version.row_of(key, rows) for key in version.scenarios)


def not_passed(versions: Iterable[Version], rows: Mapping[str, Row]) -> list[Row]:
    """The rows of the unchanged platform that did not pass."""
    found = (version.row_of(key, rows) for version in versions if not version.mutant for key in version.scenarios)
    return [row for row in found if row and row["verdict"] != "passed"]


def _is_of(version: Version, capability: str) -> bool:
    return version.mutant is not None and version.mutant.capability == capability


def _cell(version: Version, scenario: str, rows: Mapping[str, Row]) -> Cell:
    row = version.row_of(scenario, rows)
    return _CELLS[row["verdict"]] if row and (row["started"] or row["verdict"] != "unknown") else "not run"


def _fate(cells: Mapping[str, Cell]) -> Fate:
    """Caught by one that failed; survived when all passed; else it could not be told."""
    if "caught" in cells.values():
        return "caught"
    return "survived" if set(cells.values()) == {"let through"} else "unknown"
