"""./l3 adapt: the adapters of a platform, each tried on a few small exchanges before anything is judged.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.settings import ROOT, Settings

if TYPE_CHECKING:
    import docker

    from support.platforms.platform import Platform
    from support.worlds.world import Stage

WELL, WRONG_ANSWER, WRONG_COMMAND, COULD_NOT = 0, 1, 2, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the folder and --capability."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="the folder of the platform")
    parser.add_argument(
        "--capability",
        metavar="KEY",
        action="append",
        default=[],
        help="only the adapter of this capability (repeatable; default: all that the platform has)",
    )


def execute(options: argparse.Namespace) -> int:
    """Tries them. 0: all is well; 1: the platform answered wrongly; 2: nothing can be tried; 3: an adapter's fault."""
    from support.containers.engine import connect
    from support.errors import PlatformError, SelectionError, SuiteError
    from support.ledger.terminal import platform as told
    from support.platforms.platform import Platform

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        platform = Platform(options.folder.resolve())
        print(f"platform: {told(platform.judged)}", flush=True)
        os.chdir(ROOT)
        _see_not_promised(platform)
        features = list(_features(platform, options.capability))
        return max(_capability(platform, feature, connect()) for feature in features)
    except (PlatformError, SelectionError) as error:
        print(error, file=sys.stderr)
        return WRONG_COMMAND
    except SuiteError as error:
        print(error, file=sys.stderr)
        return COULD_NOT


def _features(platform: "Platform", asked: list[str]) -> Iterator[Path]:
    """The feature of each capability that is to be tried. Raises SelectionError."""
    from support.errors import SelectionError

    known = {path.stem: path for path in sorted(ROOT.glob("features/*/*.feature"))}
    here = [key for key in known if platform.has(key)]
    for key in asked:
        if key not in here:
            has = f"{platform.folder} has adapters for {', '.join(here) or 'none'}"
            raise SelectionError(f"there is no adapter {key}.py to be tried; {has}")
    if not here:
        raise SelectionError(f"{platform.folder} has no adapter; each goes by its capability: {', '.join(known)}")
    yield from (known[key] for key in asked or here)


def _capability(platform: "Platform", feature: Path, client: "docker.DockerClient") -> int:
    """Tries one adapter on a fleet of its own, of which nothing is left, and tells each exchange."""
    from behave.parser import parse_file

    from support.containers.fleet import Fleet
    from support.errors import SuiteError
    from support.platforms.order import order_of
    from support.progress import say
    from support.worlds.world import Stage

    try:
        platform.adapter_of(feature.stem)
        settings = Settings.load(os.environ, {})
        tags = parse_file(str(feature)).tags
        order = order_of(platform, feature.stem, tags, client, f"adapt-{os.getpid()}", settings.memory_budget)
        fleet = Fleet(client, order, say)
        try:
            print(f"{feature.stem}: its fleet was ready after {fleet.start():.1f} s", flush=True)
            return _tell(Stage(feature.stem, platform, fleet, settings.seed), settings.scenario_deadline_s)
        finally:
            fleet.stop()
    except SuiteError as error:
        print(f"{feature.stem}: {error}", flush=True)
        return COULD_NOT


def _tell(stage: "Stage", deadline_s: float) -> int:
    from support.worlds.trial import tried

    error = None
    for one in tried(stage, _within(deadline_s)):
        error = one.error
        print(f"  {'failed' if error else 'ok':7} {one.took_s:6.2f} s  {one.name}", flush=True)
        if one.understood:
            print(f"{' ' * 20}understood: {one.understood}", flush=True)
    if not error:
        return _tell_clocks(stage)
    wrong = isinstance(error, AssertionError)
    print(f"{'the platform answered wrongly' if wrong else 'the adapter'}: {type(error).__name__}: {error}", flush=True)
    return WRONG_ANSWER if wrong else COULD_NOT


def _tell_clocks(stage: "Stage") -> int:
    """Sets the clock of a node ahead, and back, where scenarios do so: its image has to have what that rests on."""
    from support.containers.layout import layout_of
    from support.errors import FaultError
    from support.faults.faults import Faults

    movable = [name for role in layout_of(stage.capability).roles if role.movable_clock for name in role.names]
    for name in movable[:1]:
        faults = Faults(stage.fleet)
        try:
            faults.move_clock(name, 5)
            faults.heal()
        except FaultError as error:
            print(f"  {'unknown':7}           the clock of {name} can be set ahead")
            print(f"what rests on it cannot be told: {error}", flush=True)
            return COULD_NOT
        print(f"  {'ok':7}           the clock of {name} can be set ahead", flush=True)
    return WELL


def _see_not_promised(platform: "Platform") -> None:
    """Raises PlatformError with all that platform.toml does not promise and no scenario is called by."""
    from support.run.selection import documents_in, not_promised

    not_promised(platform, documents_in(ROOT))


def _within(deadline_s: float) -> Callable[[str, Callable[[], Any]], Any]:
    """Does work under a deadline; where not even that ends it, the process ends, and the next run sweeps."""
    from support.run.deadline import Deadline

    def give_up(reason: str) -> None:
        print(reason, file=sys.stderr, flush=True)
        os._exit(COULD_NOT)

    deadline = Deadline(ROOT, give_up)

    def within(what: str, work: Callable[[], Any]) -> Any:
        deadline.arm(deadline_s)
        try:
            return deadline.call(what, work)
        finally:
            deadline.disarm()

    return within
