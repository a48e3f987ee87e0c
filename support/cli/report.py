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

_MEANING = {
    0: "all that was merged holds",
    1: "a promise was broken, or a planted bug survived",
    3: "something could not be told, or was not",
}
_KILLED = "the run was killed before this scenario ended, and so was its guard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the run, --open, --merge and --history."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("run", metavar="RUN", nargs="?", help="the folder or the id of a run (default: the newest)")
    which.add_argument(
        "--merge",
        metavar="DIR",
        nargs="+",
        help="make one report of several runs and proofs, each given by its folder or by a folder with some in it, of "
        "which the newest run and the newest proof are taken",
    )
    parser.add_argument("--history", metavar="FILE", help="keep the history in FILE, for example in the cache of a CI")
    parser.add_argument("--open", action="store_true", help="show the page in a browser")


def execute(options: argparse.Namespace) -> int:
    """Makes page, summary.md and summary.json, and says where.

    Returns 0, for a merge the exit code of all that was merged; 2 when there is no such run; 3 when it cannot.
    """
    from support.cli.main import COULD_NOT_BEGIN, WRONG_COMMAND
    from support.errors import SelectionError

    try:
        return _merged(options) if options.merge else _reported(options)
    except SelectionError as error:
        print(f"./l3 report: {error}", file=sys.stderr)
        return WRONG_COMMAND
    except OSError as error:
        print(f"./l3 report: the report cannot be written: {error}", file=sys.stderr)
        return COULD_NOT_BEGIN


def _reported(options: argparse.Namespace) -> int:
    settings = Settings.load(os.environ, {})
    _show(_run(options.run, settings.reports), options)
    return 0


def _merged(options: argparse.Namespace) -> int:
    """The proofs first, because their matrix is a part of the page. Returns the exit code of all that was merged."""
    from support.ledger.summary import first_of
    from support.proof import joined
    from support.report.merge import merge

    settings = Settings.load(os.environ, {})
    runs, proofs = _runs_and_proofs([Path(folder) for folder in options.merge])
    codes = []
    if proofs:
        codes.append(joined.told(proofs, settings.reports))
    if runs:
        path = merge(runs, settings.reports, _history(options) or settings.history)
        codes.append(_show(path, options).exit_code)
    code = first_of(codes)
    print(f"exit {code}: {_MEANING[code]}")
    return code


def _runs_and_proofs(folders: list[Path]) -> tuple[list[Path], list[Path]]:
    """The folders that have a run, and those that have a proof. Raises SelectionError for one that has neither."""
    from support.errors import SelectionError
    from support.report.merge import has_proof, has_run

    for folder in folders:
        if not has_run(folder) and not has_proof(folder):
            raise SelectionError(f"there is no run in {folder}, and no proof; expected the folder of one")
    return [*filter(has_run, folders)], [*filter(has_proof, folders)]


def _history(options: argparse.Namespace) -> Path | None:
    """The history that is named; its folder is there."""
    named = options.history or os.environ.get("L3_HISTORY")
    history = Path(named).absolute() if named else None
    if history:
        history.parent.mkdir(parents=True, exist_ok=True)
    return history


def _show(path: Path, options: argparse.Namespace) -> "Outcome":
    """Completes the run in `path`, so that one whose end nobody saw is told, too; writes its page, and tells."""
    from support.errors import LedgerError
    from support.ledger.completion import complete

    outcome = complete(path, _KILLED, _history(options))
    if outcome is None:
        raise LedgerError(f"{path} goes on; its page is made when it ends")
    _tell(outcome, _write(outcome))
    if options.open and not webbrowser.open((outcome.path / "index.html").as_uri()):
        print("no browser was found; open the page by hand", file=sys.stderr)
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
