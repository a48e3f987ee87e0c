"""A proof from its beginning to its end: the unchanged platform, every mutant, the matrix."""

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

from support.containers.fleet import KINDS
from support.errors import LedgerError
from support.ledger import history
from support.ledger.folder import LEDGER, MATRIX, RunFolder, unwritten
from support.ledger.rows import Row, read
from support.proof import kept, matrix, terminal
from support.proof.choice import Choice
from support.proof.matrix import Matrix
from support.proof.mutants import Promises
from support.proof.shards import Shards, shards
from support.proof.versions import Version, plan_of
from support.run.shares import Share
from support.settings import Settings

LATEST = "latest-proof"
_LOOKS_EVERY_S = 0.3


class Proof:
    """A proof of the mutants of `choice`; `everything` fills the whole matrix, `share` is what it is of several."""

    def __init__(
        self,
        choice: Choice,
        known: Mapping[str, Promises],
        jobs: int,
        everything: bool = False,
        share: Share | None = None,
    ) -> None:
        """Plans it, in the project's root. Raises SuiteError."""
        self._choice, self._known, self._jobs, self._share = choice, known, jobs, share
        self._mutants = choice.mutants
        self._settings = Settings.load(os.environ, {})
        took = history.read(self._settings.history).durations()
        self._shards = shards(self._mutants, known, jobs, everything, took)
        self._versions = [version for shard in self._shards for version in shard.versions]
        self._plan = plan_of(self._versions, KINDS)

    def run(self) -> int:
        """Runs it and tells it. Returns the exit code. Raises LedgerError when it cannot be recorded."""
        began = time.monotonic()
        folder = RunFolder.create(self._settings.reports, self._plan, LATEST)
        folder.hand_on()
        scale = f"{len(self._mutants)} mutants, {min(self._jobs, len(self._shards))} fleets at once"
        print("\n".join([f"proof {folder.run}: {scale}, {self._settings}", *self._choice.told]), flush=True)
        try:
            kept.write(folder.path / MATRIX, self._unended(folder.run))
            jobs = Shards(folder, [shard.work(folder.path) for shard in self._shards])
            with self._watched(folder.path, jobs):
                jobs.run(self._jobs)
            result = self._matrix(folder, jobs, time.monotonic() - began)
            self._keep(folder.path, result)
        except OSError as error:
            raise LedgerError(unwritten(folder.path, error)) from error
        finally:
            folder.leave()
        unchanged = matrix.not_passed(self._versions, self._rows(folder.path))
        print(terminal.text(result, self._mutants, unchanged, folder.path), flush=True)
        return matrix.exit_code(result)

    @contextmanager
    def _watched(self, folder: Path, jobs: Shards) -> Iterator[None]:
        """Tells each version as it ends; stops everything when the unchanged platform does not pass."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(folder, jobs, over))
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            # It may have ended before anybody looked.
            jobs.stopped |= not jobs.interrupted and bool(matrix.not_passed(self._versions, self._rows(folder)))

    def _watch(self, folder: Path, jobs: Shards, over: threading.Event) -> None:
        open_ = list(self._versions)
        while not over.wait(_LOOKS_EVERY_S):
            rows = self._rows(folder)
            if not jobs.interrupted and matrix.not_passed(self._versions, rows):
                jobs.stopped = True
                jobs.end(SIGTERM)
            for version in [version for version in open_ if matrix.ended(version, rows)]:
                open_.remove(version)
                if not jobs.interrupted:
                    print(_line(version, rows), flush=True)

    def _unended(self, run: str) -> Matrix:
        """What is known of a proof as long as it runs, and stays when it is killed."""
        began, why = self._plan["began"], "the proof was killed before its end"
        rows = [matrix.blank(mutant, began, why) for mutant in self._mutants]
        return self._shared(Matrix(run=run, began=began, seconds=0.0, problem=why, mutants=rows, scenarios=[]))

    def _shared(self, result: Matrix) -> Matrix:
        """`result`, with what other shares owe."""
        if self._share:
            others = [matrix.blank(mutant, self._plan["began"], "") for mutant in self._choice.others]
            result["share"] = matrix.Share(number=self._share.number, of=self._share.of, others=others)
        return result

    def _matrix(self, folder: RunFolder, jobs: Shards, seconds: float) -> Matrix:
        rows = self._rows(folder.path)
        versions = {version.key: version for version in self._versions}
        mutants = [versions[mutant.key] for mutant in self._mutants]
        began = self._plan["began"]
        return self._shared(
            Matrix(
                run=folder.run,
                began=began,
                seconds=round(seconds, 1),
                problem=jobs.problem,
                mutants=[matrix.mutant_row(version, rows, began, jobs.reason) for version in mutants],
                scenarios=matrix.scenario_rows(mutants, self._known, rows),
            )
        )

    def _keep(self, folder: Path, result: Matrix) -> None:
        """Writes the matrix; one that was brought to its end is added to the project's. Raises OSError."""
        kept.write(folder / MATRIX, result)
        if not result["problem"]:
            kept.add(self._settings.reports / MATRIX, result, self._choice.known)
        fates = {(row["capability"], row["id"]): row["verdict"] for row in result["mutants"]}
        # A bug that was caught is understood; what its scenarios saw would only fill the disk.
        for mutant in self._mutants:
            if fates[mutant.capability, mutant.id] == "caught":
                for evidence in (folder / "evidence").glob(f"{mutant.key}-*"):
                    shutil.rmtree(evidence)

    @staticmethod
    def _rows(folder: Path) -> dict[str, Row]:
        return {row["id"]: row for row in read(folder / LEDGER)}


def _line(version: Version, rows: Mapping[str, Row]) -> str:
    if version.mutant:
        return terminal.line(matrix.mutant_row(version, rows, "", ""))
    told = f"{len(version.scenarios)} scenarios, {matrix.seconds(version, rows):.1f} s"
    return f"  {version.key.partition('.')[0]}: the unchanged platform passes ({told})"
