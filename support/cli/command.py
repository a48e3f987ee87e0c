"""Commands of other programs, quiet while all is well."""

import subprocess
from collections.abc import Mapping, Sequence

from support.errors import SuiteError

_LAST_LINES = 20


def run(command: Sequence[str], what: str, environ: Mapping[str, str] | None = None) -> None:
    """Runs `command`, in `environ` if given. Raises SuiteError with its last lines when it fails."""
    done = subprocess.run(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise SuiteError(f"{what} ended with {done.returncode}:\n{last}")
