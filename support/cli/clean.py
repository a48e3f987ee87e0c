"""`./l3 clean`: removes what dead runs left, and says what."""

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

SUMMARY = "remove what dead runs left, and say what"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --orphans and --yes."""
    parser.add_argument(
        "--orphans",
        action="store_true",
        help="after a question, remove also what has an owner of which nothing certain is known: a run on another "
        "host, or in another container, which may still go on",
    )
    parser.add_argument("--yes", action="store_true", help="answer that question with yes")


def execute(options: argparse.Namespace) -> int:
    """Removes the containers and networks whose run is dead. 0 when nothing of them is left, 2 or 3 when it cannot."""
    from support.containers.engine import connect
    from support.containers.sweep import remove_dead
    from support.errors import SelectionError, SuiteError

    try:
        client = connect()
        _tell(remove_dead(client), "of dead runs")
        _orphans(client, options.orphans, options.yes)
    except SelectionError as error:
        print(error, file=sys.stderr)
        return 2
    except SuiteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


def _orphans(client: "DockerClient", wanted: bool, agreed: bool) -> None:
    """Names what has an owner of which nothing is known, and removes it if that is `wanted` and `agreed`."""
    from support.containers import labels
    from support.containers.sweep import containers, remove_orphans

    found = labels.orphans(containers(client, labels.RUN))
    for orphan in found:
        print(f"of a run of which nothing certain is known: {orphan}")
    if not wanted:
        print("what live runs have was left alone" + ("; ./l3 clean --orphans removes the others" if found else ""))
    elif agreed or (found and _asked(len(found))):
        _tell(remove_orphans(client), "of runs of which nothing certain is known")


def _asked(count: int) -> bool:
    from support.errors import SelectionError

    if not sys.stdin.isatty():
        raise SelectionError("nobody can be asked here; --yes removes them without a question")
    answer = input(f"Remove these {count}? Their run must be over, wherever it was. [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _tell(removed: list[str], whose: str) -> None:
    for name in removed:
        print(f"removed {name}")
    print(f"{len(removed)} removed {whose}")
