"""The guard: a small process that outlives its run and cleans up when the run could not.

It waits for its owner's end on a pipe whose other end the owner holds: the kernel closes it whatever the owner
dies of. An owner that ended by itself says so first. The guard lives in a session of its own, so that what
is sent to the owner's process group, Ctrl-C and kill -9 included, does not reach it.
"""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from support import footing
from support.errors import SuiteError

ALIVE, FAREWELL = b"alive", b"done"
_ALIVE_WITHIN_S = 10.0
_QUIET_S = 2.0  # an engine may still be making a container that the dead owner had asked for
_GIVE_UP_S = 60.0


class Guard:
    """The owner's end of the pipe. Start it before the first container; dismiss it after the last is gone."""

    def __init__(self, run: str, run_dir: Path) -> None:
        """Returns when the guard waits for this run's end. Raises SuiteError when it does not within 10 s."""
        command = footing.helper("support.run.guard", run, str(run_dir), str(os.getpid()))
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd="/", stdin=pipe, stdout=pipe, start_new_session=True)
        self._stays = False
        self._see_alive()

    def stay(self) -> None:
        """Something could not be removed: the guard goes on trying when the run has ended, for 60 s."""
        self._stays = True

    def dismiss(self) -> None:
        """Tells the guard that all is clean, and waits for its end (milliseconds), unless it is to stay."""
        if self._stays:
            return
        try:
            self._process.communicate(FAREWELL, timeout=10)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._process.kill()

    def _see_alive(self) -> None:
        with cast(IO[bytes], self._process.stdout) as said:
            ready, _, _ = select.select([said], [], [], _ALIVE_WITHIN_S)
            alive = ready and said.read(len(ALIVE)) == ALIVE
        if not alive:
            self._process.kill()
            raise SuiteError(
                f"the guard, which cleans when a run is killed, did not start within {_ALIVE_WITHIN_S:g} s "
                f"(exit code {self._process.wait()}; what it said on stderr says why), so nothing is begun"
            )


def clean_after(run: str, owner: str) -> None:
    """Removes what the process `owner` made for `run`, until nothing has appeared for 2 s.

    Gives up after 60 s (no engine, or it refuses). What other processes of the run made is theirs.
    """
    from support.containers import labels
    from support.containers.engine import connect
    from support.containers.sweep import remove
    from support.errors import EngineError

    end = time.monotonic() + _GIVE_UP_S
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < _QUIET_S and time.monotonic() < end:
        try:
            found = remove(connect(timeout_s=10), f"{labels.RUN}={run}", lambda of: of[labels.PID] == owner)
        except EngineError as error:
            found = [str(error)]
        if found:
            quiet_since = time.monotonic()
        time.sleep(0.2)


def main(run: str, run_dir: str, owner: str) -> None:
    """Waits for the owner's end; then, unless it said farewell, cleans up and completes the ledger of the run."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # an owner that has died meanwhile is noticed by the next line
        os.write(1, ALIVE)
    if sys.stdin.buffer.read() == FAREWELL:
        return
    clean_after(run, owner)
    from support.ledger.completion import complete
    from support.report.ending import after_verdict

    if outcome := complete(Path(run_dir), f"the run (process {owner}) was killed before this scenario ended"):
        after_verdict(outcome)


if __name__ == "__main__":
    main(*sys.argv[1:])
