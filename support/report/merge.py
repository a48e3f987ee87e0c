"""One report of several runs, as of a CI that has a job for each tier.

A scenario that several of them judged gets its worst verdict: a second try never hides the first.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.errors import SelectionError
from support.ledger import history
from support.ledger.completion import outcome
from support.ledger.folder import CONTAINERS, LEDGER, PLAN, STEPS, RunFolder, read_plan
from support.ledger.plan import Plan, PlannedFeature, PlannedScenario, platform_of
from support.ledger.rows import Row, read
from support.report.material import MATRIX

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
    history `kept_in`. Raises SelectionError where there is no run, or where they judged several platforms, LedgerError
    and OSError where it cannot be written.
    """
    parts = [_part(run_in(folder)) for folder in folders]
    twice = [part.path for part in parts if [p.plan["run"] for p in parts].count(part.plan["run"]) > 1]
    if twice:
        raise SelectionError(f"the same run was named twice: {', '.join(map(str, twice))}")
    judged = {(one["name"], one["digest"]) for one in (platform_of(part.plan) for part in parts)}
    if len(judged) > 1:
        told = " and ".join(f"{name} ({digest or 'digest not known'})" for name, digest in sorted(judged))
        raise SelectionError(f"these runs judged different platforms, {told}: make a report of each")
    kept_in.parent.mkdir(parents=True, exist_ok=True)
    for part in parts:
        history.note(kept_in, history.lines_of(part.path, part.plan, part.rows), history.read(kept_in))
    folder = RunFolder.create(reports, _plan(parts), history=kept_in)
    for row, part in _worst(parts):
        folder.row(_with_evidence(row, part, folder.path))
    for name in (CONTAINERS, STEPS):
        _join(name, parts, folder.path)
    folder.leave()
    return folder.path


def run_in(folder: Path) -> Path:
    """The folder of a run: `folder` itself, or the newest run in it; a proof is none.

    Raises SelectionError where there is none.
    """
    for named in (folder, folder / "latest"):
        if (named / PLAN).is_file():
            return named.resolve()
    runs = [path.parent for path in folder.glob(f"*/{PLAN}") if not (path.parent / MATRIX).exists()]
    if not runs:
        raise SelectionError(f"there is no run in {folder}; expected the folder of a run, or one with runs in it")
    return max(runs, key=lambda run: read_plan(run)["run"]).resolve()


def _part(path: Path) -> Part:
    plan = read_plan(path)
    reason = "the run was killed before this scenario ended, and nobody completed it"
    return Part(path, plan, outcome(path, plan, read(path / LEDGER), reason).rows)


def _plan(parts: Sequence[Part]) -> Plan:
    """The plan of all `parts` together. It began with the oldest, and has a commit where all have the same."""
    features: dict[str, PlannedFeature] = {}
    scenarios: dict[str, PlannedScenario] = {}
    for part in parts:
        for feature in part.plan["features"]:
            known = features.setdefault(feature["capability"], feature)
            if feature["scenarios"] > known["scenarios"]:  # it was not written yet when the other run began
                features[feature["capability"]] = feature
        scenarios |= {scenario["id"]: scenario for scenario in part.plan["scenarios"]}
    commits = [part.plan.get("commit") for part in parts]
    return Plan(
        run="",
        began=min(part.plan["began"] for part in parts),
        tags=" or ".join(dict.fromkeys(f"({part.plan['tags']})" for part in parts)),
        features=[*features.values()],
        scenarios=[*scenarios.values()],
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
