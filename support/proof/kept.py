"""The matrix that is kept over all proofs: what was not proved again keeps its last verdict, with its date."""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import cast

from support.proof.matrix import Matrix, MutantRow, ScenarioRow

Key = tuple[str, str]


def read(path: Path) -> Matrix | None:
    """The matrix in a file; None where there is none, or where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _ = [(row["capability"], row["id"], row["claims"], row["proved"]) for row in found["mutants"]]
        _ = [(row["id"], row["mutants"], row["seconds"]) for row in found["scenarios"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cast(Matrix, found)


def write(path: Path, matrix: Matrix) -> None:
    """Writes it in one step. Raises OSError."""
    new = path.with_name(f".{path.name}-{os.getpid()}")
    new.write_text(json.dumps(matrix, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", errors="backslashreplace")
    new.replace(path)


def add(path: Path, proof: Matrix, known: Collection[Key]) -> None:
    """Adds `proof` to the matrix in `path`, in which only mutants stay that are `known` or of the proof.

    Raises OSError.
    """
    earlier = read(path)
    write(path, together(earlier, proof, known) if earlier else _alone(proof))


def dates(path: Path) -> dict[Key, str]:
    """When each mutant was proved for the last time."""
    found = read(path)
    return {key_of(row): row["proved"] for row in found["mutants"]} if found else {}


def together(earlier: Matrix, proof: Matrix, known: Collection[Key]) -> Matrix:
    """`proof`, and of `earlier` what is `known` and not of the proof."""
    new = {key_of(row) for row in proof["mutants"]}
    old = [row for row in earlier["mutants"] if key_of(row) in known and key_of(row) not in new]
    stay = {key_of(row) for row in old}
    scenarios = {row["id"]: row for row in proof["scenarios"]}
    for row in earlier["scenarios"]:
        cells = {name for name in row["mutants"] if (row["capability"], name) in stay}
        if cells:
            scenarios[row["id"]] = _joined(scenarios.get(row["id"]), row, cells)
    mutants = sorted([*proof["mutants"], *old], key=key_of)
    found = Matrix(
        **{**proof, "mutants": mutants, "scenarios": sorted(scenarios.values(), key=lambda row: row["capability"])}
    )
    return _alone(found)


def _joined(new: ScenarioRow | None, old: ScenarioRow, cells: Collection[str]) -> ScenarioRow:
    """A scenario's row with those of the `old` one's cells that stay."""
    joined = ScenarioRow(**(new or {**old, "mutants": {}, "seconds": {}}))
    joined["mutants"] = {name: cell for name, cell in old["mutants"].items() if name in cells} | joined["mutants"]
    joined["seconds"] = {name: took for name, took in old["seconds"].items() if name in cells} | joined["seconds"]
    return joined


def _alone(proof: Matrix) -> Matrix:
    """The matrix without what other shares owe: that is told by them, or by whoever merges."""
    found = Matrix(**proof)
    found.pop("share", None)
    return found


def key_of(row: MutantRow) -> Key:
    """What a mutant goes by in the matrix."""
    return row["capability"], row["id"]
