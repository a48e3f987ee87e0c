"""./l3 run: the suite, one feature after the other or several at once, and its verdict.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import os
import sys
from pathlib import Path

from support.cli.shard import shard_option
from support.settings import ROOT

_SHARD = "run the K-th of N shares that take about as long, features whole; ./l3 report --merge joins them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --tags, --platform, --jobs, --shard and the features to run."""
    add = parser.add_argument
    add(
        "--tags",
        metavar="EXPR",
        action="append",
        help="run the scenarios whose tags fulfil this, as in '@tier1 and not @performance' (default: @L3); "
        "given several times, all must be fulfilled",
    )
    add(
        "--platform",
        metavar="DIR",
        type=Path,
        help="judge the platform whose folder this is (default: L3_PLATFORM, else support/platforms/reference)",
    )
    add(
        "--jobs", metavar="N", type=_jobs, default=1,
        help="run N features at the same time, each in its own process; more than the machine has cores are no faster, "
        "and what they make late may count as the platform's fault",
    )  # fmt: skip
    add("--shard", metavar="K/N", type=shard_option, help=_SHARD)
    add("features", metavar="FEATURE", nargs="*", help="a feature file, file:line of a scenario, or a folder")


def execute(options: argparse.Namespace) -> int:
    """Runs what `options` select. Returns 0, 1, 2 or 3 as the table of exit codes says."""
    from support.containers.fleet import KINDS
    from support.errors import PlatformError, SelectionError, SuiteError
    from support.ledger.summary import UNKNOWN, WRONG_COMMAND
    from support.run.suite import Suite

    try:
        paths = [_path(feature) for feature in options.features]
        if options.platform:
            os.environ["L3_PLATFORM"] = str(options.platform.absolute())
        os.chdir(ROOT)
        tags = [f"--tags={tag}" for tag in options.tags or ["@L3"]]
        return Suite(tags, paths, KINDS, options.shard).run(options.jobs)
    except (SelectionError, PlatformError) as error:
        print(error, file=sys.stderr)
        return WRONG_COMMAND
    except SuiteError as error:
        print(error, file=sys.stderr)
        return UNKNOWN


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of features, at least 1, got {text!r}")
    return int(text)


def _path(feature: str) -> str:
    """The feature's path below the root, its line kept. Raises SelectionError when there is no such file."""
    from support.errors import SelectionError

    name, colon, line = feature.partition(":")
    path = Path(name).absolute()
    if not path.exists():
        raise SelectionError(f"there is no feature file {name}; expected a path such as features/tier1_…/….feature")
    return os.path.relpath(path, ROOT) + colon + line
