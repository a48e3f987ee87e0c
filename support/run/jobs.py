"""Several features at once, or parts of them: a process for each, in a session of its own, all of one run."""

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import FrameType
from typing import IO

from support import footing
from support.ledger.folder import LEDGER, RunFolder
from support.ledger.plan import Plan
from support.ledger.rows import Row, blank, read

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@dataclass(frozen=True)
class Work:
    """One process's work: its name, the module that does it with these arguments, the capabilities that it tells of."""

    name: str
    module: str
    arguments: list[str]
    capabilities: frozenset[str]


def feature_alone(capability: str, arguments: list[str]) -> Work:
    """One feature, which behave runs alone with `arguments`."""
    return Work(capability, "support.run.job", arguments, frozenset([capability]))


def longest_first(works: Iterable[Work], plan: Plan, earlier: Iterable[Row]) -> list[Work]:
    """Those of `works` that have planned scenarios, longest first, so that none is left over for the end.

    How long a feature takes is known from the rows of an `earlier` run; those that it lacks come first, by the count
    of their scenarios.
    """
    counts: dict[str, int] = {}
    for planned in plan["scenarios"]:
        counts[planned["capability"]] = counts.get(planned["capability"], 0) + 1
    took: dict[str, float] = {}
    for row in earlier:
        took[row["capability"]] = took.get(row["capability"], 0.0) + row["duration_s"] + (row["fleet_s"] or 0.0)

    def length(work: Work) -> tuple[float, int]:
        return took.get(work.name, float("inf")), counts[work.name]

    return sorted((work for work in works if work.name in counts), key=length, reverse=True)


class Jobs:
    """Runs `works` in the order given. An interruption reaches each process once, and nothing more is begun."""

    def __init__(self, folder: RunFolder, works: Sequence[Work]) -> None:
        self._folder = folder
        self._works = works
        self._interrupted_by: signal.Signals | None = None
        self._living: dict[str, subprocess.Popen[bytes]] = {}
        self._printing = threading.Lock()

    @property
    def interrupted(self) -> bool:
        """Whether it was told to end before all was done."""
        return self._interrupted_by is not None

    @property
    def reason(self) -> str:
        """Why a scenario was not reached."""
        return (
            f"interrupted by {_NAMES[self._interrupted_by]} before it began" if self._interrupted_by else "not reached"
        )

    def run(self, at_once: int) -> None:
        """Returns when every process has ended. What each printed is shown whole, when it ends."""
        for number in _NAMES:
            signal.signal(number, self._interrupt)
        with ThreadPoolExecutor(at_once) as pool:
            done, _ = wait([pool.submit(self._run, work) for work in self._works])
        for future in done:
            future.result()

    def end(self, number: signal.Signals) -> None:
        """Sends `number` to every process that lives, once, and begins nothing more."""
        self._interrupted_by = number
        for process in list(self._living.values()):
            process.send_signal(number)

    def begin(self, work: Work) -> None:
        """Shows that the process of `work` is started."""
        self._say(f"{work.name}: started")

    def tell(self, work: Work, said: str) -> None:
        """Shows what the process of `work` has printed, all at once."""
        self._say(f"{said}\n{work.name}: ended")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted_by is None:
            self.end(signal.Signals(number))
        else:
            print(
                f"{_NAMES[signal.Signals(number)]}: already ending, please wait until all is cleaned",
                file=sys.stderr,
            )

    def _run(self, work: Work) -> None:
        if self._interrupted_by:
            return
        self.begin(work)
        with tempfile.TemporaryFile() as output:
            status = self._wait(work, output)
            output.seek(0)
            said = output.read().decode(errors="replace").rstrip()
        self.tell(work, said)
        self._account(work, status, said)

    def _wait(self, work: Work, output: IO[bytes]) -> int:
        """The process's exit status. Its standard input ends when this process dies, and then it ends, too."""
        command = footing.helper(work.module, *work.arguments)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True)
        self._living[work.name] = process
        if self._interrupted_by:
            process.send_signal(self._interrupted_by)
        status = process.wait()
        del self._living[work.name]
        if process.stdin:
            process.stdin.close()
        return status

    def _account(self, work: Work, status: int, said: str) -> None:
        """A row for each scenario that the process of `work` owed and did not write."""
        end = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit code {status}"
        last = said.rpartition("\n")[2]
        reason = f"its process ended {end} before it told; its last words: {last or 'none'}"
        told = {row["id"] for row in read(self._folder.path / LEDGER)}
        for planned in self._folder.plan["scenarios"]:
            if planned["capability"] in work.capabilities and planned["id"] not in told:
                why = self.reason if self._interrupted_by else reason
                self._folder.row(blank(self._folder.run, planned, why))

    def _say(self, text: str) -> None:
        with self._printing:
            print(text, flush=True)
