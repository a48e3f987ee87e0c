"""`./l3 bench`: what the suite itself costs on this machine now, beside what nobody can do without.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from support import footing
from support.settings import ROOT

if TYPE_CHECKING:
    import docker

    from support.containers.fleet import Fleet

FIRST_STEP_S = 3.0
FLEET_RATIO = 1.15
EACH_SCENARIO_MS = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --rounds and --capability."""
    parser.add_argument(
        "--rounds", type=int, default=7, metavar="N", help="fleet starts to take the median of (default: 7)"
    )
    parser.add_argument(
        "--capability",
        default="websocket_redis_pubsub",
        metavar="KEY",
        help="the feature that is measured (default: %(default)s)",
    )


def execute(options: argparse.Namespace) -> int:
    """Measures one run of the feature and some starts of its fleet. 0: within the bounds; 1: not; 3: cannot tell."""
    from support.errors import SuiteError

    features = sorted(ROOT.glob(f"features/*/{options.capability}.feature"))
    if not features or options.rounds < 1:
        print(f"error: expected a feature and at least one round, got {options.capability!r} and {options.rounds}")
        return 2
    try:
        _expect_engine_here()
        run = _one_run(features[0])
        starts = _starts(features[0], options.rounds)
    except SuiteError as error:
        print(f"error: {error}")
        return 3
    results = [
        _told("from the command to the first step", run.first_step_s, FIRST_STEP_S, "s"),
        _told(f"fleet {starts.fleet_s:.2f} s, plainly {starts.plain_s:.2f} s", starts.ratio, FLEET_RATIO, "times"),
        _told(f"each of {len(run.own_ms)} scenarios beside its steps", median(run.own_ms), EACH_SCENARIO_MS, "ms"),
    ]
    print(f"besides: healing {run.healing_ms:.0f} ms where there is any, removal of the fleet {starts.removal_s:.2f} s")
    return 0 if all(results) else 1


def _told(what: str, value: float, bound: float, unit: str) -> bool:
    good = value <= bound
    print(
        f"{what:<55} {value:6.2f} {unit:<5} of {bound:g}: {value / bound:4.0%}  {'good' if good else 'TOO MUCH'}",
        flush=True,
    )
    return good


@dataclass(frozen=True)
class Run:
    """Seconds from the command to the first scenario, and for each scenario but the last what the suite itself took.

    That is from its beginning to the next one's, without its steps and the healing of its faults. `healing_ms` is the
    median of those that healed anything.
    """

    first_step_s: float
    own_ms: list[float]
    healing_ms: float


@dataclass(frozen=True)
class Starts:
    """Medians, in seconds, of the fleet's start, of the same by plain calls, and of its removal."""

    fleet_s: float
    plain_s: float
    removal_s: float

    @property
    def ratio(self) -> float:
        """How many times as long as nobody can do without."""
        return self.fleet_s / self.plain_s


def _expect_engine_here() -> None:
    """Raises SuiteError: of an engine elsewhere the network would be measured, and not the suite."""
    from support.containers import address
    from support.errors import SuiteError

    if (engine := address.find(os.environ)).elsewhere:
        raise SuiteError(f"{engine.url} is another machine's engine; run ./l3 bench on that machine")


def _one_run(feature: Path) -> Run:
    from support.errors import SuiteError

    print(f"one run of {feature.stem} …", flush=True)
    with tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") as noted:
        began = time.time()
        command = footing.helper("support.cli.healing", noted.name, str(feature))
        subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        healings = [(float(at), float(took)) for at, took in json.loads(noted.read() or "[]")]
    rows = _rows(Path(os.environ.get("L3_REPORTS") or ROOT / "reports") / "latest" / "ledger.jsonl")
    times = [datetime.fromisoformat(row["started"]).timestamp() for row in rows if row["started"]]
    if len(times) < 2 or min(times) < began:
        raise SuiteError(
            f"the run of {feature.stem} began no two scenarios; ./l3 run {feature.relative_to(ROOT)} says why"
        )
    own = list(_own_ms(rows, times, healings))
    return Run(min(times) - began, own, 1000 * median([took for _, took in healings if took > 0.001] or [0.0]))


def _own_ms(rows: list[dict[str, Any]], times: list[float], healings: list[tuple[float, float]]) -> Iterator[float]:
    for row, (at, following) in zip(rows, pairwise(times), strict=False):
        healed = sum(took for began, took in healings if at <= began < following)
        yield 1000 * (following - at - row["duration_s"] - healed)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _starts(feature: Path, rounds: int) -> Starts:
    """Starts the fleet, and its containers by plain calls, in turn: what the machine does meanwhile meets both."""
    from support.cli import plainly
    from support.containers.engine import connect

    client = connect()
    fleets, plains, removals = [], [], []
    for number in range(1, rounds + 1):
        print(f"fleet start {number} of {rounds} …", flush=True)
        fleet = _fleet(client, feature)
        try:
            fleets.append(fleet.start())
            containers = plainly.describe(client, fleet)
            began = time.monotonic()
            fleet.stop()
            removals.append(time.monotonic() - began)
            plains.append(plainly.start(client, fleet, containers))
        finally:
            fleet.stop()
    return Starts(median(fleets), median(plains), median(removals))


def _fleet(client: "docker.DockerClient", feature: Path) -> "Fleet":
    from behave.parser import parse_file

    from support.containers.fleet import Fleet
    from support.platforms.order import order_of
    from support.platforms.platform import Platform
    from support.progress import say
    from support.settings import Settings

    settings = Settings.load(os.environ, {})
    tags = parse_file(str(feature)).tags
    run = f"bench-{os.getpid()}"
    order = order_of(Platform(settings.platform), feature.stem, tags, client, run, settings.memory_budget)
    return Fleet(client, order, say)
