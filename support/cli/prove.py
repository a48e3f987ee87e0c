"""./l3 prove: bugs planted into the reference platform one after the other, and whether the suite notices each.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.settings import REFERENCE, ROOT, Settings

if TYPE_CHECKING:
    from support.proof.proof import Proof

DEADLINE = "60 s"  # a scenario that hangs under a mutant proves nothing; it need not be waited for as long as in a run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --capability, --mutant, --mutants, --jobs and --all-scenarios."""
    parser.add_argument(
        "--capability",
        metavar="KEY",
        action="append",
        default=[],
        help="only the mutants of this capability (repeatable)",
    )
    parser.add_argument("--mutant", metavar="ID", action="append", default=[], help="only this mutant (repeatable)")
    parser.add_argument(
        "--mutants", metavar="DIR", type=Path, help="a folder of mutants of your own (default: the capabilities' own)"
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_jobs,
        default=os.cpu_count() or 1,
        help="fleets that stand side by side (default: one for each core, %(default)s)",
    )
    parser.add_argument(
        "--all-scenarios",
        action="store_true",
        help="judge each mutant by every scenario of its feature, not only by those that must catch it",
    )


def execute(options: argparse.Namespace) -> int:
    """Runs the proof. Returns 0 when all are caught, 1 when one survives, 2 for what cannot be meant, else 3."""
    from support.errors import MutantError, SelectionError, SuiteError
    from support.ledger.summary import UNKNOWN, WRONG_COMMAND

    try:
        return _proof(options).run()
    except (MutantError, SelectionError) as error:
        print(error, file=sys.stderr)
        return WRONG_COMMAND
    except SuiteError as error:
        print(error, file=sys.stderr)
        return UNKNOWN


def _proof(options: argparse.Namespace) -> "Proof":
    from support.errors import SelectionError
    from support.proof.mutants import chosen, load, load_own, promises
    from support.proof.proof import Proof

    if os.environ.get("L3_IMAGE_PLATFORM"):
        raise SelectionError(
            "L3_IMAGE_PLATFORM names a platform of your own, and bugs are planted into the reference platform: unset it"
        )
    if Settings.load(os.environ, {}).platform != REFERENCE:
        raise SelectionError("L3_PLATFORM names another platform, and bugs are planted into the reference's: unset it")
    os.environ.setdefault("L3_SCENARIO_DEADLINE", DEADLINE)
    folder = options.mutants and options.mutants.absolute()
    os.chdir(ROOT)
    known = promises()
    mutants = chosen(load(folder, known) if folder else load_own(known), options.capability, options.mutant)
    return Proof(mutants, known, options.jobs, options.all_scenarios)


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of fleets, at least 1, got {text!r}")
    return int(text)
