"""A proof as it is told in a terminal."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from support.ledger.rows import Row
from support.proof import source
from support.proof.matrix import CAUGHT, SURVIVED, UNKNOWN, Fate, Matrix, MutantRow, exit_code
from support.proof.mutants import Mutant

_MARKS = {"caught": "✔", "survived": "✘", "unknown": "?"}
_MEANING = {
    CAUGHT: "every planted bug was caught",
    SURVIVED: "a planted bug got past the scenarios that must catch it",
    UNKNOWN: "it could not be told whether every planted bug is caught",
}
_FATES: tuple[Fate, ...] = ("caught", "survived", "unknown")


def line(row: MutantRow) -> str:
    """One line for a mutant that has ended."""
    told = f"{_MARKS[row['verdict']]} {row['verdict']:<8}  {row['capability']}/{row['id']}  ({row['seconds']:.1f} s)"
    if row["verdict"] == "unknown":
        return f"{told}  {(row['reason'] or '').strip().splitlines()[0]}"
    return told


def text(matrix: Matrix, mutants: Sequence[Mutant], unchanged: Sequence[Row], folder: Path) -> str:
    """The whole proof: what did not hold before any bug, survivors with their change, unknown ones, sums, exit code."""
    known = {(mutant.capability, mutant.id): mutant for mutant in mutants}
    lines = [""]
    for row in unchanged:
        lines.append(f"{_MARKS['unknown']} the unchanged platform: {row['verdict']}  {row['name']}")
        lines.append(_indented(row["reason"]))
    for told in matrix["mutants"]:
        lines += _in_full(told, known[told["capability"], told["id"]], matrix)
    lines += ["", *_table(matrix["mutants"])]
    if matrix["problem"]:
        lines.append(matrix["problem"])
    code = exit_code(matrix)
    return "\n".join([*lines, f"matrix: {folder / 'kill_matrix.json'}", f"exit {code}: {_MEANING[code]}"])


def joined(matrix: Matrix, folder: Path) -> str:
    """A matrix of several proofs: what was not caught and why, sums, exit code."""
    missed = (row for row in matrix["mutants"] if row["verdict"] != "caught")
    code = exit_code(matrix)
    told = [line(row) for row in missed] + [*_table(matrix["mutants"])] + [matrix["problem"] or ""]
    return "\n".join(
        [*filter(None, told), f"matrix: {folder / 'kill_matrix.json'}", f"proof, exit {code}: {_MEANING[code]}"]
    )


def _in_full(row: MutantRow, mutant: Mutant, matrix: Matrix) -> Iterator[str]:
    """A mutant that was not caught: the incident, the change, and what each scenario that it names made of it."""
    if row["verdict"] == "caught" or (row["verdict"] == "unknown" and matrix["problem"]):
        return
    yield f"{_MARKS[row['verdict']]} {row['verdict']}: {row['capability']}/{row['id']}: {row['title']}"
    yield _indented(source.difference(source.unchanged(), mutant))
    cells = {scenario["id"]: (scenario["mutants"], scenario["name"]) for scenario in matrix["scenarios"]}
    for claim in row["claims"]:
        told, name = cells[claim]
        yield f"    {told[row['id']]}: {name}"
    if row["reason"]:
        yield _indented(row["reason"])


def _table(rows: Sequence[MutantRow]) -> Iterator[str]:
    capabilities = sorted({row["capability"] for row in rows})
    width = max(map(len, [*capabilities, "capability"]))
    yield f"{'capability':<{width}}  mutants  {'  '.join(_FATES)}"
    for capability in capabilities:
        fates = Counter(row["verdict"] for row in rows if row["capability"] == capability)
        yield f"{capability:<{width}}  {fates.total():>7}  {_numbers(fates)}"
    if len(capabilities) > 1:
        every = Counter(row["verdict"] for row in rows)
        yield f"{'all':<{width}}  {every.total():>7}  {_numbers(every)}"


def _numbers(fates: Mapping[Fate, int]) -> str:
    return "  ".join(f"{fates.get(fate, 0):>{len(fate)}}" for fate in _FATES)


def _indented(said: str | None) -> str:
    return textwrap.indent(said or "no reason was told", "    ")
