"""One matrix of several proofs, as of machines that proved a share each."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from support.errors import LedgerError
from support.ledger.folder import MATRIX
from support.proof import kept, terminal
from support.proof.kept import Key, key_of
from support.proof.matrix import Fate, Matrix, MutantRow, exit_code
from support.proof.mutants import load_own, promises
from support.report.merge import absent, merge_proofs, proof_in

_WORST_FIRST: tuple[Fate, ...] = ("survived", "unknown", "caught")


def join(folders: Sequence[Path], reports: Path, link: str, known: Collection[Key]) -> tuple[Path, Matrix]:
    """Makes a proof's folder below `reports` out of the proofs in `folders`, and returns it with its matrix.

    Each of `folders` is a proof's, or a reports folder, of which the newest proof is taken. What came to its end is
    added to the matrix of `reports`, with the mutants that are `known`. Raises SelectionError where there is no proof,
    LedgerError and OSError where one cannot be read or this one not be written.
    """
    parts = [_matrix(proof_in(folder)) for folder in folders]
    path = merge_proofs(folders, reports, link)
    whole = joined(parts, path.name)
    kept.write(path / MATRIX, whole)
    stay = {*known, *map(key_of, whole["mutants"])}
    for part in parts:
        if not part["problem"]:
            kept.add(reports / MATRIX, part, stay)
    return path, whole


def told(folders: Sequence[Path], reports: Path, link: str = "latest-proof") -> int:
    """Joins them, and tells the matrix. Returns the exit code; raises as `join` does."""
    own = load_own(promises())
    path, whole = join(folders, reports, link, {(mutant.capability, mutant.id) for mutant in own})
    print(terminal.joined(whole, path), flush=True)
    return exit_code(whole)


def joined(parts: Sequence[Matrix], run: str) -> Matrix:
    """The matrix of all `parts`: of a mutant that several judged the worst verdict, of what nobody judged unknown."""
    rows: dict[Key, MutantRow] = {}
    for row in [*(row for part in parts for row in part["mutants"]), *_owed(parts)]:
        other = rows.setdefault(key_of(row), row)
        if _WORST_FIRST.index(row["verdict"]) < _WORST_FIRST.index(other["verdict"]):
            rows[key_of(row)] = row
    problems = [f"{_name(part)}: {part['problem']}" for part in parts if part["problem"]]
    whole = parts[0]
    for part in parts[1:]:
        whole = kept.together(whole, part, rows.keys())
    return Matrix(
        run=run,
        began=min(part["began"] for part in parts),
        seconds=max(part["seconds"] for part in parts),
        problem="; ".join(problems) or None,
        mutants=sorted(rows.values(), key=key_of),
        scenarios=whole["scenarios"],
    )


def _owed(parts: Sequence[Matrix]) -> Iterator[MutantRow]:
    """The mutants that other shares owe and none of `parts` has."""
    told = {key_of(row) for part in parts for row in part["mutants"]}
    owing: dict[Key, list[tuple[int, int]]] = {}
    owed: dict[Key, MutantRow] = {}
    for share in [share for part in parts if (share := part.get("share"))]:
        for row in share["others"]:
            owing.setdefault(key_of(row), []).append((share["number"], share["of"]))
            owed[key_of(row)] = row
    for key, row in owed.items():
        if key not in told:
            yield MutantRow(**{**row, "reason": absent(owing[key], "proof")})


def _name(part: Matrix) -> str:
    share = part.get("share")
    return f"share {share['number']}/{share['of']} of the proof" if share else f"the proof {part['run']}"


def _matrix(path: Path) -> Matrix:
    found = kept.read(path / MATRIX)
    if found is None:
        raise LedgerError(f"the matrix in {path} cannot be read; leave that proof out, or run it again")
    return found
