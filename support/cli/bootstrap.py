"""What a command needs is set up before it: each step in a line, and nothing twice."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from enum import Flag, auto

from support import footing
from support.cli import browser, engine_start, virtualenv
from support.containers import address
from support.errors import SuiteError
from support.settings import ROOT

OFF = "L3_NO_BOOTSTRAP"  # set to 1, nothing is installed or started, by this process or by any that it starts


class Needs(Flag):
    """What a command may need."""

    SUITE = auto()
    TESTS = auto()
    ENGINE = auto()


NOTHING = Needs(0)
SUITE, TESTS, ENGINE = Needs.SUITE, Needs.TESTS, Needs.ENGINE


def ensure(needs: Needs, words: Sequence[str]) -> None:
    """Sets up what is missing of `needs`, then goes on as `./l3 words` in the virtual environment.

    Parts are set up side by side. Raises SuiteError with each one that could not be, and its mend.
    """
    parts = _missing(needs)
    if parts and os.environ.get(OFF) == "1":
        told = "\n".join(problem for problem, _ in parts)
        raise SuiteError(f"{told}\n--no-bootstrap ({OFF}=1) forbids to set anything up; ./l3 doctor says more")
    if parts:
        _set_up([mend for _, mend in parts])
    if needs and not virtualenv.entered():
        _enter(words)


def _missing(needs: Needs) -> list[tuple[str, Callable[[], None]]]:
    """What is missing, in words, and what sets it up.

    A browser is no need: where it is missing and may not be installed, the tests that take one say so. Raises
    EngineError when the name of an engine leads nowhere.
    """
    parts: list[tuple[str, Callable[[], None]]] = []
    lists = [virtualenv.RUNTIME] * (SUITE in needs) + [virtualenv.TESTS] * (TESTS in needs)
    if lists and (problem := virtualenv.missing(lists)):
        parts.append((f"{problem}; leave --no-bootstrap out", lambda: virtualenv.prepare(lists)))
    if ENGINE in needs:
        engine = address.find(os.environ)
        if problem := engine_start.trouble(engine):
            parts.append((f"{problem}; {engine_start.mend(engine)}", lambda: engine_start.start(engine)))
    if TESTS in needs and os.environ.get(OFF) != "1" and browser.lack() and browser.can_install():
        parts.append(("there is no browser", browser.install))
    return parts


def _set_up(mends: Sequence[Callable[[], None]]) -> None:
    """Calls all `mends` side by side. Raises SuiteError with the words of each that raised one."""
    errors: list[Exception] = []
    # Daemons, so that Ctrl-C ends the launcher also while one of them waits.
    threads = [threading.Thread(target=_noting, args=(mend, errors), daemon=True) for mend in mends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        if not isinstance(error, SuiteError):
            raise error
    if errors:
        raise SuiteError("\n".join(map(str, errors)))


def _noting(mend: Callable[[], None], errors: list[Exception]) -> None:
    try:
        mend()
    except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
        errors.append(error)


def _enter(words: Sequence[str]) -> None:
    """Goes on as the virtual environment's Python in this same process: signals and exit codes are its."""
    sys.stdout.flush()
    os.execv(virtualenv.PYTHON, footing.python(str(virtualenv.PYTHON), str(ROOT / "l3"), *words))
