"""One report of several runs, as of a CI that has a job for each tier.

A scenario that several of them judged gets its worst verdict: a second try never hides the first.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.errors import SelectionError
from support.ledger import history
from support.ledger.completion import outcome
from support.ledger.folder import CONTAINERS, LEDGER, MATRIX, PLAN, STEPS, RunFolder, read_plan
from support.ledger.plan import Plan, PlannedFeature, PlannedScenario, platform_of
from support.ledger.rows import Row, blank, read

_WORST_FIRST = ("failed", "unknown", "not promised", "passed")


@dataclass(frozen=True)
class Part:
    """A run that goes into the report."""

    path: Path
    plan: Plan
    rows: list[Row]


def merge(folders: Sequence[Path], reports: Path, kept_in: Path) -> Path:
    """Makes a run folder below `reports` out of the runs in `folders`, and returns it; it is not completed yet.

    Each of `folders` is a run's, or a reports folder, of which the newest run is taken. What they tell is added to the
    history `kept_in`. What a share owes that is not among them is unknown. Raises SelectionError where there is no
    run, or where they judged several platforms, LedgerError and OSError where it cannot be written.
    """
    parts = [_part(run_in(folder)) for folder in folders]
    _refuse_several_platforms(parts)
    kept_in.parent.mkdir(parents=True, exist_ok=True)
    for part in parts:
        history.note(kept_in, history.lines_of(part.path, part.plan, part.rows), history.read(kept_in))
    return _merged(parts, reports, "latest", kept_in)


def merge_proofs(folders: Sequence[Path], reports: Path, link: str) -> Path:
    """The same of the proofs in `folders`, whose verdicts are no part of any history."""
    return _merged([_part(proof_in(folder)) for folder in folders], reports, link, None)


def has_run(folder: Path) -> bool:
    """Whether `merge` finds a run in `folder`."""
    return _found(folder, "latest", _is_run) is not None


def has_proof(folder: Path) -> bool:
    """Whether `merge_proofs` finds a proof in `folder`."""
    return _found(folder, "latest-proof", _is_proof) is not None


def run_in(folder: Path) -> Path:
    """The folder of a run: `folder` itself, or the newest run in it; a proof is none.

    Raises SelectionError where there is none.
    """
    return _there(_found(folder, "latest", _is_run), folder, "run")


def proof_in(folder: Path) -> Path:
    """The same for a proof."""
    return _there(_found(folder, "latest-proof", _is_proof), folder, "proof")


def absent(shares: Iterable[tuple[int, int]], what: str) -> str:
    """Why something is not told, by the (number, of) of the shares that have reported and say that others owe it."""
    there = set(shares)
    gone = [f"{number}/{of}" for of in sorted({of for _, of in there}) for number in range(1, of + 1)]
    gone = [name for name in gone if tuple(map(int, name.split("/"))) not in there]
    if not gone:
        return f"no share of the {what} has it: they were not cut alike, which takes the same history"
    return f"share {' and '.join(gone)} of the {what} did not report"


def _refuse_several_platforms(parts: Sequence[Part]) -> None:
    judged = {(one["name"], one["digest"]) for one in (platform_of(part.plan) for part in parts)}
    if len(judged) > 1:
        told = " and ".join(f"{name} ({digest or 'digest not known'})" for name, digest in sorted(judged))
        raise SelectionError(f"these runs judged different platforms, {told}: make a report of each")


def _merged(parts: Sequence[Part], reports: Path, link: str, kept_in: Path | None) -> Path:
    twice = [part.path for part in parts if [p.plan["run"] for p in parts].count(part.plan["run"]) > 1]
    if twice:
        raise SelectionError(f"the same was named twice: {', '.join(map(str, twice))}")
    folder = RunFolder.create(reports, _plan(parts), link, kept_in)
    for row, part in _worst(parts):
        folder.row(_with_evidence(row, part, folder.path))
    for row in _owed(parts, folder.run):
        folder.row(row)
    for name in (CONTAINERS, STEPS):
        _join(name, parts, folder.path)
    folder.leave()
    return folder.path


def _is_run(path: Path) -> bool:
    return (path / PLAN).is_file() and not (path / MATRIX).exists()


def _is_proof(path: Path) -> bool:
    return (path / PLAN).is_file() and (path / MATRIX).exists()


def _found(folder: Path, link: str, fits: Callable[[Path], bool]) -> Path | None:
    """`folder` itself, or what its `link` names, or the newest in it; of these the first that `fits`."""
    for named in (folder, folder / link):
        if fits(named):
            return named.resolve()
    found = [path for path in folder.glob("*/") if fits(path)]
    return max(found, key=lambda path: read_plan(path)["run"]).resolve() if found else None


def _there(found: Path | None, folder: Path, what: str) -> Path:
    if found is None:
        raise SelectionError(f"there is no {what} in {folder}; expected the folder of one, or one with some in it")
    return found


def _owed(parts: Sequence[Part], run: str) -> Iterator[Row]:
    """A row for each scenario that a share owes which is not among `parts`."""
    told = {row["id"] for part in parts for row in part.rows}
    owing: dict[str, list[tuple[int, int]]] = {}
    for share in [share for part in parts if (share := part.plan.get("share"))]:
        for planned in share["others"]:
            owing.setdefault(planned["id"], []).append((share["number"], share["of"]))
    for planned in _scenarios(parts).values():
        if planned["id"] not in told:
            yield blank(run, planned, absent(owing[planned["id"]], "run"))


def _scenarios(parts: Sequence[Part]) -> dict[str, PlannedScenario]:
    """What `parts` and the other shares of theirs owe, by id."""
    planned = [scenario for part in parts for scenario in part.plan["scenarios"]]
    planned += [scenario for part in parts if (share := part.plan.get("share")) for scenario in share["others"]]
    return {scenario["id"]: scenario for scenario in planned}


def _part(path: Path) -> Part:
    plan = read_plan(path)
    reason = "the run was killed before this scenario ended, and nobody completed it"
    return Part(path, plan, outcome(path, plan, read(path / LEDGER), reason).rows)


def _plan(parts: Sequence[Part]) -> Plan:
    """The plan of all `parts` together. It began with the oldest, and has a commit where all have the same."""
    features: dict[str, PlannedFeature] = {}
    for part in parts:
        for feature in part.plan["features"]:
            known = features.setdefault(feature["capability"], feature)
            if feature["scenarios"] > known["scenarios"]:  # it was not written yet when the other run began
                features[feature["capability"]] = feature
    commits = [part.plan.get("commit") for part in parts]
    return Plan(
        run="",
        began=min(part.plan["began"] for part in parts),
        tags=" or ".join(dict.fromkeys(f"({part.plan['tags']})" for part in parts)),
        features=[*features.values()],
        scenarios=[*_scenarios(parts).values()],
        tiers=parts[0].plan.get("tiers", {}),
        commit=commits[0] if all(commit == commits[0] for commit in commits) else None,
        platform=platform_of(parts[0].plan),
        merged=[part.plan["run"] for part in parts],
    )


def _worst(parts: Sequence[Part]) -> list[tuple[Row, Part]]:
    found: dict[str, tuple[Row, Part]] = {}
    for part in parts:
        for row in part.rows:
            other = found.get(row["id"])
            if other is None or _rank(row) < _rank(other[0]):
                found[row["id"]] = (row, part)
    return [*found.values()]


def _rank(row: Row) -> int:
    return _WORST_FIRST.index(row["verdict"])


def _with_evidence(row: Row, part: Part, path: Path) -> Row:
    """The row with its evidence copied into the folder `path`; two runs may have called theirs the same."""
    if not row["evidence"]:
        return row
    source = part.path / "evidence" / Path(row["evidence"]).name
    if not source.is_dir():
        return row
    target = path / "evidence" / f"{part.plan['run']}-{source.name}"
    shutil.copytree(source, target, dirs_exist_ok=True)
    return Row(**{**row, "evidence": str(target)})


def _join(name: str, parts: Sequence[Part], path: Path) -> None:
    """Puts a file of all `parts` together, line by line; a last line that was torn off is closed."""
    texts = [(part.path / name).read_bytes() for part in parts if (part.path / name).is_file()]
    (path / name).write_bytes(b"".join(text if text.endswith(b"\n") or not text else text + b"\n" for text in texts))
