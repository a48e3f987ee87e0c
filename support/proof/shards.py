"""The work of a proof, shared out over fleets that stand side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from pathlib import Path

from support.ledger.folder import RunFolder
from support.proof.mutants import Mutant, Promises
from support.proof.versions import Version, write
from support.run.jobs import Jobs, Work

UNCHANGED = "unchanged"
_AT_LEAST = 4  # mutants that a fleet of their own is worth while for
_FRESH_NODES_S = 4.0
_USUAL_S = 2.0  # for a scenario of which no time is known


@dataclass(frozen=True)
class Shard:
    """What one fleet is for: the unchanged platform first, then mutants, all of one capability."""

    name: str
    versions: tuple[Version, ...]

    def work(self, folder: Path) -> Work:
        """The process that does it; what it is told is written into `folder`. Raises OSError."""
        path = folder / f"{self.name}.json"
        write(self.versions, path)
        return Work(self.name, "support.proof.job", [str(path)], frozenset(version.key for version in self.versions))


def shards(
    mutants: Iterable[Mutant], known: Mapping[str, Promises], jobs: int, everything: bool, took: Mapping[str, float]
) -> list[Shard]:
    """Shares `mutants` out over shards so that `jobs` fleets are busy to the end, longest first.

    Each mutant is judged by the scenarios that it names, or by `everything` that its feature has. `took` says
    how many seconds a scenario took before.
    """
    found = []
    for capability, its in groupby(sorted(mutants, key=lambda mutant: mutant.capability), lambda m: m.capability):
        versions = [_version(mutant, known[capability], everything) for mutant in its]
        parts = _parts(versions, min(jobs, ceil(len(versions) / _AT_LEAST)), took)
        found += [_shard(known[capability], number, part) for number, part in enumerate(parts, 1)]
    return sorted(found, key=lambda shard: -sum(_cost(version, took) for version in shard.versions))


def expected_s(scenarios: Iterable[str], took: Mapping[str, float]) -> float:
    """Seconds that a version is expected to take: fresh nodes, and `scenarios`, each as long as it `took` before."""
    return _FRESH_NODES_S + sum(took.get(key, _USUAL_S) for key in scenarios)


class Shards(Jobs):
    """Runs shards; what a process prints goes into the folder of the run, beside the ledger."""

    stopped = False

    def __init__(self, folder: RunFolder, works: Sequence[Work]) -> None:
        super().__init__(folder, works)
        self._logs = folder.path

    @property
    def problem(self) -> str | None:
        """Why not all was done, None when it was."""
        if self.stopped:
            return "the unchanged platform did not pass, so the proof was stopped"
        return "the proof was interrupted" if self.interrupted else None

    @property
    def reason(self) -> str:
        """Why a scenario was not reached."""
        return self.problem or super().reason

    def begin(self, work: Work) -> None:
        """Says nothing: a mutant that ended has a line, and the first does not let wait for long."""

    def tell(self, work: Work, said: str) -> None:
        """Keeps it in a file. Raises OSError."""
        (self._logs / f"{work.name}.log").write_text(said + "\n", encoding="utf-8", errors="backslashreplace")


def _version(mutant: Mutant, promised: Promises, everything: bool) -> Version:
    judges = tuple(key for key in promised.scenarios if everything or key in mutant.scenarios)
    return Version(mutant.key, promised.feature, judges, mutant)


def _shard(promised: Promises, number: int, versions: Sequence[Version]) -> Shard:
    named = {key for version in versions for key in version.scenarios}
    judges = tuple(key for key in promised.scenarios if key in named)
    first = Version(f"{promised.capability}.{number}-{UNCHANGED}", promised.feature, judges)
    return Shard(f"{promised.capability}-{number}", (first, *versions))


def _parts(versions: Sequence[Version], count: int, took: Mapping[str, float]) -> list[list[Version]]:
    """`versions` in `count` parts of about the same length, those of the same scenario together."""
    order = sorted(versions, key=lambda version: version.scenarios)
    whole = sum(_cost(version, took) for version in order)
    parts: list[list[Version]] = [[] for _ in range(count)]
    done = 0.0
    for version in order:
        cost = _cost(version, took)
        parts[min(count - 1, int((done + cost / 2) / whole * count))].append(version)
        done += cost
    return [part for part in parts if part]


def _cost(version: Version, took: Mapping[str, float]) -> float:
    return expected_s(version.scenarios, took)
