"""./l3 prove: bugs planted into the reference platform one after the other, and whether the suite notices each.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from support.cli.shard import shard_option
from support.settings import REFERENCE, ROOT, Settings, seconds

if TYPE_CHECKING:
    from support.proof.choice import Choice
    from support.proof.mutants import Promises

DEADLINE = "60 s"  # a scenario that hangs under a mutant proves nothing; it need not be waited for as long as in a run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what chooses mutants, --jobs and --all-scenarios."""
    add = parser.add_argument
    add("--capability", metavar="KEY", action="append", default=[], help="only this capability's mutants (repeatable)")
    add("--mutant", metavar="ID", action="append", default=[], help="only this mutant (repeatable)")
    add("--mutants", metavar="DIR", type=Path, help="a folder of mutants of your own (default: the capabilities' own)")
    add("--changed", metavar="REV", help="only what differs from this revision; all, when what is shared differs")
    add("--sample", metavar="N", type=_sample, default=0, help="N others besides, each day the next ones")
    add("--shard", metavar="K/N", type=shard_option, help="the K-th of N equal shares; ./l3 report --merge joins them")
    add("--within", metavar="TIME", type=_time, help='only as many as are likely to fit, such as "20 min"')
    add(
        "--jobs",
        metavar="N",
        type=_jobs,
        default=os.cpu_count() or 1,
        help="fleets that stand side by side (default: one for each core, %(default)s)",
    )
    add(
        "--all-scenarios",
        action="store_true",
        help="judge each mutant by every scenario of its feature, not only by those that must catch it",
    )


def execute(options: argparse.Namespace) -> int:
    """Runs the proof. Returns 0 when all are caught, 1 when one survives, 2 for what cannot be meant, else 3."""
    from support.errors import MutantError, SelectionError, SuiteError
    from support.ledger.summary import UNKNOWN, WRONG_COMMAND

    try:
        return _run(options)
    except (MutantError, SelectionError) as error:
        print(error, file=sys.stderr)
        return WRONG_COMMAND
    except SuiteError as error:
        print(error, file=sys.stderr)
        return UNKNOWN


def _run(options: argparse.Namespace) -> int:
    from support.errors import SelectionError
    from support.proof.mutants import promises
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
    choice = _choice(options, folder, known)
    if not choice.mutants:
        print("\n".join([*choice.told, "there is nothing to prove"]), flush=True)
        return 0
    return Proof(choice, known, options.jobs, options.all_scenarios, options.shard).run()


def _choice(options: argparse.Namespace, folder: Path | None, known: Mapping[str, "Promises"]) -> "Choice":
    """The mutants that the command line asks for, each of which has been seen to apply. Raises MutantError."""
    from support.ledger import history
    from support.ledger.folder import MATRIX
    from support.proof import choice, kept, source
    from support.proof.changes import changes_since
    from support.proof.mutants import chosen, load, load_own

    settings = Settings.load(os.environ, {})
    own = load_own(known)
    there = load(folder, known) if folder else own
    pool = chosen(there, options.capability, options.mutant)
    source.apply_all(pool)
    changes = changes_since(options.changed, known, ROOT) if options.changed is not None else None
    took = history.read(settings.history).durations()
    today = datetime.now(UTC).date()
    found = choice.changed_and_sampled(pool, changes, options.sample, today)
    found = choice.shared(found, options.shard, took)
    if options.within:
        dates = kept.dates(settings.reports / MATRIX)
        found = choice.fitting(found, options.within * options.jobs, today, took, dates)
    return replace(found, known=frozenset(map(choice.key_of, [*own, *there])))


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of fleets, at least 1, got {text!r}")
    return int(text)


def _sample(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of mutants, got {text!r}")
    return int(text)


def _time(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
