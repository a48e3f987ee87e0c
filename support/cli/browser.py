"""The browser that the tests of the page open it in: found, or installed where packages may be."""

import os
import shutil

from support.cli import apt
from support.errors import SuiteError
from support.progress import say

PACKAGE = "chromium"
VARIABLE = "L3_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def path() -> str | None:
    """The browser that L3_BROWSER names, else the first of Chromium's family on PATH, else None."""
    named = os.environ.get(VARIABLE)
    return shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)


def lack() -> str | None:
    """What keeps the page from being tested, with its mend; None when there is a browser."""
    if path():
        return None
    named = os.environ.get(VARIABLE)
    if named:
        return f"{VARIABLE} names {named}, which is no program; name another, or unset it"
    return f"there is no Chromium; sudo apt-get install {PACKAGE}, or name one by {VARIABLE}"


def can_install() -> bool:
    """Whether this process may install one, and nobody has named another."""
    return apt.usable() and not os.environ.get(VARIABLE)


def install() -> None:
    """Installs Debian's Chromium. That it cannot be had is told, and keeps no other test from running."""
    try:
        apt.install([PACKAGE])
    except SuiteError as error:
        say(f"warning: {error}")
