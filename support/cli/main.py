"""The launcher's command line: from the words of the user to one command, with what it needs set up.

Standard library only, and quick: on a machine with nothing but Python, `./l3 --help` answers at once.
"""

import argparse
import difflib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from support import footing
from support.cli import bootstrap
from support.cli.bootstrap import ENGINE, NOTHING, SUITE, TESTS, Needs
from support.errors import SuiteError
from support.progress import say

COULD_NOT_BEGIN, WRONG_COMMAND = 3, 2


@dataclass(frozen=True)
class Command:
    """What a command does, in half a line; what has to be there before it; whether words are for pytest."""

    summary: str
    needs: Needs
    hands_on: bool = False


COMMANDS = {
    "run": Command("run the suite, or the part of it that tags or features select", SUITE | ENGINE),
    "test": Command("check the suite's own code: linters, types, tests", SUITE | TESTS | ENGINE, hands_on=True),
    "adapt": Command("try the adapters of a platform on a few small exchanges", SUITE | ENGINE),
    "prove": Command("plant bugs into the reference platform, and see that each is noticed", SUITE | ENGINE),
    "report": Command("make the page of the newest run anew, or one page of several runs", SUITE),
    "doctor": Command("say what is missing on this machine, and the mend for each", NOTHING),
    "images": Command("list, pull, build, save, load or check the images", SUITE | ENGINE),
    "clean": Command("remove what dead runs left, and say what", SUITE | ENGINE),
    "bench": Command("measure what the suite itself costs beside its containers and scenarios", SUITE | ENGINE),
}


_OVERVIEW = """\
usage: ./l3 COMMAND [ARGUMENT…]

Sets up what COMMAND needs (a virtual environment, an engine, images), and runs it.

{commands}

./l3 COMMAND --help says what a command understands. Each takes --no-bootstrap: nothing is set up.

exit codes:
  0  all is well
  1  a scenario or a check failed
  2  the command line is wrong, or selects nothing
  3  it could not be told, for example because there is no engine"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors say how to go on."""

    def error(self, message: str) -> NoReturn:
        """Prints `message` and where help is, and ends with 2."""
        print(f"{self.prog}: {message}\n{self.prog} --help says more", file=sys.stderr)
        sys.exit(WRONG_COMMAND)


def main(arguments: Sequence[str]) -> int:
    """Does what `arguments`, the words after `./l3`, ask for. Returns the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if arguments else WRONG_COMMAND
    name, *words = arguments
    if name not in COMMANDS:
        print(
            f"./l3: there is no command {name}{_meant(name, COMMANDS)}\n./l3 --help lists them",
            file=sys.stderr,
        )
        return WRONG_COMMAND
    try:
        return _execute(name, words)
    except SuiteError as error:
        say(f"./l3 {name}: {error}")
    except KeyboardInterrupt:
        say(f"./l3 {name}: interrupted")
        footing.leave(COULD_NOT_BEGIN)
    return COULD_NOT_BEGIN


def _execute(name: str, words: Sequence[str]) -> int:
    command = COMMANDS[name]
    module = import_module(f"support.cli.{name}")
    options = _parse(name, command, module, words)
    if options.no_bootstrap:
        os.environ[bootstrap.OFF] = "1"
    bootstrap.ensure(command.needs, [name, *words])
    return int(module.execute(options))


def _parse(name: str, command: Command, module: ModuleType, words: Sequence[str]) -> argparse.Namespace:
    """The options of a command; what it hands on is in `handed_on`. A wrong command line ends with 2."""
    parser = Parser(prog=f"./l3 {name}", description=f"{command.summary.capitalize()}.", allow_abbrev=False)
    parser.add_argument("--no-bootstrap", action="store_true", help="install and start nothing; say what is missing")
    module.add_arguments(parser)
    options, rest = parser.parse_known_args(words)
    if rest and not command.hands_on:
        known = re.findall(r"--[a-z-]+", parser.format_help())
        parser.error(f"{rest[0]} is not understood{_meant(rest[0], known)}")
    options.handed_on = rest
    return options


def _overview() -> str:
    commands = "\n".join(f"  {name:8} {command.summary}" for name, command in COMMANDS.items())
    return _OVERVIEW.format(commands=commands)


def _meant(word: str, known: Iterable[str]) -> str:
    """A guess at what `word` should have been, or nothing."""
    close = difflib.get_close_matches(word.partition("=")[0], list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
