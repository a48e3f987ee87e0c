"""`./l3 report`: the page of a run, made anew, or one page of several runs.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from support.settings import Settings

if TYPE_CHECKING:
    from support.ledger.completion import Outcome

_KILLED = "the run was killed before this scenario ended, and so was its guard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the run, --open, --merge and --history."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("run", metavar="RUN", nargs="?", help="the folder or the id of a run (default: the newest)")
    which.add_argument(
        "--merge",
        metavar="DIR",
        nargs="+",
        help="make one report of several runs, each a run's folder or a folder with runs in it, of which the newest "
        "is taken",
    )
    parser.add_argument("--history", metavar="FILE", help="keep the history in FILE, for example in the cache of a CI")
    parser.add_argument("--open", action="store_true", help="show the page in a browser")


def execute(options: argparse.Namespace) -> int:
    """Makes page, summary.md and summary.json, and says where. 0; 2 when there is no such run; 3 when it cannot."""
    from support.cli.main import COULD_NOT_BEGIN, WRONG_COMMAND
    from support.errors import SelectionError

    try:
        outcome = _outcome(options, Settings.load(os.environ, {}))
        problems = _write(outcome)
    except SelectionError as error:
        print(f"./l3 report: {error}", file=sys.stderr)
        return WRONG_COMMAND
    except OSError as error:
        print(f"./l3 report: the report cannot be written: {error}", file=sys.stderr)
        return COULD_NOT_BEGIN
    _tell(outcome, problems)
    if options.open and not webbrowser.open((outcome.path / "index.html").as_uri()):
        print("no browser was found; open the page by hand", file=sys.stderr)
    return 0


def _outcome(options: argparse.Namespace, settings: Settings) -> "Outcome":
    """The run that was asked for, completed, so that a run whose end nobody saw is told, too."""
    from support.errors import LedgerError
    from support.ledger.completion import complete
    from support.report.merge import merge

    named = options.history or os.environ.get("L3_HISTORY")
    history = Path(named).absolute() if named else None
    if history:
        history.parent.mkdir(parents=True, exist_ok=True)
    if options.merge:
        path = merge([Path(folder) for folder in options.merge], settings.reports, history or settings.history)
    else:
        path = _run(options.run, settings.reports)
    outcome = complete(path, _KILLED, history)
    if outcome is None:
        raise LedgerError(f"{path} goes on; its page is made when it ends")
    return outcome


def _run(named: str | None, reports: Path) -> Path:
    from support.errors import LedgerError, SelectionError

    if named is None:
        if not (reports / "latest").exists():
            raise LedgerError(f"there is no run in {reports} yet; ./l3 run makes one, L3_REPORTS names another folder")
        return (reports / "latest").resolve()
    for path in (Path(named), reports / named):
        if path.is_dir():
            return path.resolve()
    raise SelectionError(f"there is no run {named}; expected the folder of one, or its id in {reports}")


def _write(outcome: "Outcome") -> list[str]:
    from support.report.ending import write

    return write(outcome)


def _tell(outcome: "Outcome", problems: list[str]) -> None:
    from support.report.sums import sentence

    for problem in (outcome.problem, *outcome.warnings, *problems):
        if problem:
            print(f"warning: {problem}", file=sys.stderr)
    print(sentence(outcome.summary))
    print(f"page: {outcome.path / 'index.html'}")
