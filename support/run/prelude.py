"""What behave does before its first hook: what goes wrong there ends the process with 3, and says what mends it.

behave itself ends with 1 then, which is the code of a promise that is broken.
"""

import codecs
import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from behave import runner
from behave.exception import FileNotFoundError as NoSuchFile
from behave.exception import InvalidFileLocationError, InvalidFilenameError
from behave.model import Feature
from behave.runner_util import parse_features

from support import footing
from support.errors import SuiteError
from support.footing import COULD_NOT_TELL
from support.ledger.summary import WRONG_COMMAND
from support.run.sentences import of_selected
from support.run.trouble import message

NO_SUCH_FEATURE = (NoSuchFile, InvalidFileLocationError, InvalidFilenameError)


class Untold:
    """Ends a run whose before_all opened no recorder with 3; who opens one takes it out of behave's reporters."""

    def feature(self, feature: Feature) -> None:
        """Nothing was judged."""

    def end(self) -> None:
        """What went wrong was printed by behave."""
        raise SystemExit(COULD_NOT_TELL)


def begin() -> None:
    """To be called while environment.py is loaded; what behave does from then on until before_all is watched."""
    footing.take()
    runner.collect_feature_locations = _watched(runner.collect_feature_locations)
    runner.parse_features = _watched(features)
    runner.Runner.load_step_definitions = of_selected(runner.Runner.load_step_definitions)
    runner.load_step_modules = _watched(runner.load_step_modules)
    runner.make_formatters = _watched(_on_lasting_streams(runner.make_formatters))


def features(locations: Iterable[Any], language: str | None = None) -> list[Feature]:
    """The features at `locations`. Raises SuiteError for a file that no parser can read, and what behave raises."""
    locations = list(locations)
    for path in dict.fromkeys(Path(location.filename) for location in locations):
        if path.is_file() and (fault := _fault(path)):
            raise SuiteError(f"a feature cannot be read: {fault}")
    return list(parse_features(locations, language=language))


def _fault(path: Path) -> str | None:
    """What keeps a file from being read as UTF-8 without a mark, and the mend."""
    content = path.read_bytes()
    if content.startswith(codecs.BOM_UTF8):
        return f"{path} begins with a byte order mark, so its first word is none of Gherkin's; save it without one"
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"{path}:{line} is not UTF-8 (byte 0x{content[error.start]:02x}); save it in that encoding"
    return None


def _watched(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, whose error is told and becomes the end of the process."""

    @functools.wraps(work)
    def watched(*args: Any, **kwargs: Any) -> Any:
        try:
            return work(*args, **kwargs)
        except (Exception, SystemExit) as error:
            print(f"\nthe suite could not begin: {message(error)}", file=sys.stderr, flush=True)
            raise SystemExit(WRONG_COMMAND if isinstance(error, NO_SUCH_FEATURE) else COULD_NOT_TELL) from error

    return watched


def _on_lasting_streams(make: Callable[..., Any]) -> Callable[..., Any]:
    """behave's formatters, which write to standard output also where that was closed when behave began.

    What comes next is before_all, so from here on the run owes a verdict. Raises SuiteError for a dry run that nobody
    asked for here.
    """

    def made(config: Any, openers: Iterable[Any]) -> Any:
        if config.dry_run and not {"-d", "--dry-run"} & set(sys.argv):
            raise SuiteError("a file of behave's settings, as ~/.behaverc, asks for a dry run, which judges nothing")
        if not config.dry_run:
            config.reporters.append(Untold())
        for opener in openers:
            opener.encoding, opener.open = "utf-8", _taking_every_letter(opener.open)
        for one in (*openers, *config.reporters):
            if getattr(one, "stream", sys) is None and not getattr(one, "name", None):
                one.stream, one.should_close_stream = sys.stdout, False
        return make(config, openers)

    return made


def _taking_every_letter(opening: Callable[[], Any]) -> Callable[[], Any]:
    """A formatter's `opening` of its stream, in which a letter that cannot be written is written as its number."""

    def opened() -> Any:
        stream = opening()
        if writer := getattr(stream, "writer", None):  # of a file, by the module codecs
            writer.errors = "backslashreplace"
        return stream

    return opened
