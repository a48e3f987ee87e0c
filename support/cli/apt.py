"""Debian's packages, for root: what is missing is installed, and nothing is asked."""

import os
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from support.cli import command
from support.progress import Step

_LISTS = Path("/var/lib/apt/lists")
_STALE_AFTER_S = 24 * 3600.0
# Its lock for the package lists has no time-out, so two parts of one set-up take turns.
_one_at_a_time = threading.Lock()


def usable() -> bool:
    """Whether this process may install packages: it is root, and there is apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """Installs `packages`; brings the package lists up to date first where there are none, or only old ones.

    Raises SuiteError with the last lines of apt-get. Another process may hold dpkg's lock for 120 s.
    """
    with _one_at_a_time:
        if _lists_are_stale():
            with Step("updating the package lists"):
                _apt_get("update")
        with Step(f"installing {', '.join(packages)}"):
            _apt_get("install", "--yes", "--no-install-recommends", *packages)


def _lists_are_stale() -> bool:
    if not any(_LISTS.glob("*_Packages*")):
        return True
    # The lists themselves carry the time of the archive; the folders, the time of the update.
    updated = max(folder.stat().st_mtime for folder in (_LISTS, _LISTS / "partial") if folder.exists())
    return time.time() - updated > _STALE_AFTER_S


def _apt_get(*arguments: str) -> None:
    words = ["apt-get", "-o", "DPkg::Lock::Timeout=120", *arguments]
    command.run(words, " ".join(words), os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
