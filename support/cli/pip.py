"""pip, told by us what to do and where, and by the machine only where packages come from."""

import ast
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support import footing
from support.cli import command
from support.errors import SuiteError

# Of pip's many settings (pip install --help) those that say how a package index is reached. Others, as `target` or
# `user`, would install somewhere else, or nothing.
_OF_THE_MACHINE = {
    *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "keyring-provider"),
    *("cert", "client-cert", "use-feature", "use-deprecated", "proxy", "timeout", "retries", "cache-dir"),
}
_SEEN = """
import sys
from importlib.metadata import PackageNotFoundError, version
for wanted in sys.argv[1:]:
    name, _, exact = wanted.partition("==")
    try:
        found = version(name.partition("[")[0])
    except PackageNotFoundError:
        found = "nothing"
    if found != exact:
        print(f"{wanted} (there is {found})")
"""


def install(python: Path, requirements: Path) -> None:
    """Installs what `requirements`, a file, pins where `python` finds it. Raises SuiteError with pip's last words."""
    quietly = ["--no-input", "--disable-pip-version-check", "--quiet", "--progress-bar", "off"]
    words = footing.python(str(python), "-m", "pip", "install", *quietly, "--requirement", str(requirements))
    command.run(words, f"pip, for {requirements.name},", environ(python))


def lacking(python: Path, pins: list[str]) -> list[str]:
    """Those of `pins` (name==version) that the environment of `python` has not."""
    done = subprocess.run(
        footing.python(str(python), "-c", _SEEN, *pins), stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if done.returncode:
        raise SuiteError(f"{python} did not say what it has; it ended with {done.returncode}")
    return done.stdout.splitlines()


def environ(python: Path) -> dict[str, str]:
    """The environment that pip is to run in: this process's without pip's settings, but for those of the machine."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    said = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in _settings(python).items()}
    return own | {"PIP_CONFIG_FILE": os.devnull} | said  # by that name no file is read (pip's guide, Configuration)


def _settings(python: Path) -> Mapping[str, str]:
    """The machine's settings for reaching an index; of two, pip takes the environment's, then that of `install`."""
    done = subprocess.run(
        footing.python(str(python), "-m", "pip", "config", "list"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise SuiteError(f"pip cannot read its configuration: {done.stdout.strip()}")
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in done.stdout.splitlines():
            name, _, value = line.removeprefix(section).partition("=")
            if line.startswith(section) and name in _OF_THE_MACHINE:
                found[name] = str(ast.literal_eval(value))
    return found
