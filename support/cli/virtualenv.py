"""The clone's virtual environment: made once, with a stamp for each list of requirements in it.

A stamp is written last of all, so whatever was interrupted has none, and is done again.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from support import footing
from support.cli import apt, command, pip
from support.errors import SuiteError
from support.progress import Step, say
from support.settings import ROOT
from support.turn import turn

FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"
RUNTIME = "requirements.txt"
TESTS = "tests/requirements.txt"  # it includes the other
_VENV_PACKAGE = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
VENV_MEND = f"sudo apt-get install {_VENV_PACKAGE}"
_MADE = "made"


def missing(lists: Sequence[str]) -> str | None:
    """What is not there of the environment and of `lists`, files of requirements below the root, or None."""
    if not _is_made():
        return f"the virtual environment {FOLDER} is missing or incomplete"
    lacking = [name for name in lists if _stamp(name) != _digest(name)]
    return f"what {' and '.join(lacking)} ask for is not installed in {FOLDER}" if lacking else None


def prepare(lists: Sequence[str]) -> None:
    """Makes the environment and installs what `lists` ask for, as far as it is missing. Raises SuiteError."""
    with turn(ROOT, "the virtual environment", say):
        if not _is_made():
            _make()
        for name in lists:
            if _stamp(name) != _digest(name):
                _install(name)


def can_make() -> bool:
    """Whether this Python has ensurepip, which Debian and Ubuntu keep in a package of its own."""
    return importlib.util.find_spec("ensurepip") is not None


def entered() -> bool:
    """Whether this process runs in the environment."""
    return os.path.realpath(sys.prefix) == os.path.realpath(FOLDER)


def _make() -> None:
    if not can_make():
        _install_venv()
    with Step("making the virtual environment"):
        # What is there was not finished, or belongs to another Python or another place.
        command.run(footing.python(sys.executable, "-m", "venv", "--clear", str(FOLDER)), "python -m venv")
        _write_stamp(_MADE, _identity())


def _install_venv() -> None:
    if not apt.usable():
        raise SuiteError(f"{sys.executable} cannot make virtual environments, ensurepip is not there; {VENV_MEND}")
    apt.install([_VENV_PACKAGE])


def _install(name: str) -> None:
    digest = _digest(name)
    with Step(f"installing what {name} asks for"):
        pip.install(PYTHON, ROOT / name)
        if lacking := pip.lacking(PYTHON, _pins(name)):
            raise SuiteError(f"pip ended well, and {FOLDER} lacks {', '.join(lacking)}; ./l3 tries again")
        _write_stamp(name, digest)


def _is_made() -> bool:
    return os.access(PYTHON, os.X_OK) and _stamp(_MADE) == _identity()


def _identity() -> str:
    """The environment's place and its Python: a moved one, or one of another Python, is another."""
    return f"{FOLDER}\n{os.path.realpath(PYTHON)}\n"


def _digest(name: str) -> str:
    contents = [part.read_bytes() for part in dict.fromkeys([*_lists(ROOT / RUNTIME), *_lists(ROOT / name)])]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def _pins(name: str) -> list[str]:
    """What the list `name`, and those that it includes, pin, as name==version."""
    lines = [line for part in _lists(ROOT / name) for line in part.read_text(encoding="utf-8").splitlines()]
    return [pin for line in lines if "==" in (pin := line.partition("#")[0].strip())]


def _lists(path: Path) -> Iterator[Path]:
    """The list in `path`, and those that it includes by lines such as `-r ../requirements.txt`."""
    yield path
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from _lists((path.parent / line.removeprefix("-r ").strip()).resolve())


def _stamp(name: str) -> str | None:
    try:
        return _stamp_file(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _write_stamp(name: str, content: str) -> None:
    _stamp_file(name).write_text(content, encoding="utf-8", errors="backslashreplace")


def _stamp_file(name: str) -> Path:
    return FOLDER / f"l3-{name.replace('/', '-')}.stamp"
