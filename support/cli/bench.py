"""`./l3 bench`: what the suite itself costs on this machine now, as ratios to what nobody can do without.

Standard library only at import, because the launcher asks for the arguments before the requirements are there.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from support.polling import poll
from support.settings import REFERENCE, ROOT

if TYPE_CHECKING:
    from support.containers.fleet import Fleet
    from support.containers.service import Service

FIRST_STEP_S = 3.0
FLEET_RATIO = 1.25
OWN_COST_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --rounds and --capability."""
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="fleet starts to take the median of (default: 5)"
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
        first_step_s, own_cost_s = _one_run(features[0])
        fleet_s, path_s = _starts(features[0], options.rounds)
    except SuiteError as error:
        print(f"error: {error}")
        return 3
    results = [
        _told("from the command to the first step", first_step_s, FIRST_STEP_S, "s"),
        _told(
            f"fleet {fleet_s:.2f} s to its critical path {path_s:.2f} s",
            fleet_s / path_s,
            FLEET_RATIO,
            "times",
        ),
        _told("neither a step nor a container's start", own_cost_s, OWN_COST_S, "s"),
    ]
    return 0 if all(results) else 1


def _told(what: str, value: float, bound: float, unit: str) -> bool:
    good = value <= bound
    print(
        f"{what:<55} {value:6.2f} {unit:<5} of {bound:g}: {value / bound:4.0%}  {'good' if good else 'TOO MUCH'}",
        flush=True,
    )
    return good


def _one_run(feature: Path) -> tuple[float, float]:
    """Seconds from the start of behave to the first scenario, and those that were neither steps nor starts."""
    from support.errors import SuiteError

    print(f"one run of {feature.stem} …", flush=True)
    began = time.time()
    subprocess.run([sys.executable, "-m", "behave", str(feature)], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
    wall_s = time.time() - began
    rows = _rows(Path(os.environ.get("L3_REPORTS") or ROOT / "reports") / "latest" / "ledger.jsonl")
    times = [datetime.fromisoformat(row["started"]).timestamp() for row in rows if row["started"]]
    if not times or min(times) < began:
        raise SuiteError(
            f"the run of {feature.stem} did not begin a scenario; ./l3 run {feature.relative_to(ROOT)} says why"
        )
    return min(times) - began, wall_s - sum(row["duration_s"] + (row["fleet_s"] or 0) for row in rows)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _starts(feature: Path, rounds: int) -> tuple[float, float]:
    """The medians of a fleet's start, and of its critical path: its slowest service alone, then a node alone."""
    fleets, paths = [], []
    for number in range(1, rounds + 1):
        print(f"fleet start {number} of {rounds} …", flush=True)
        fleet = _fleet(feature)
        try:
            fleets.append(fleet.start())
            paths.append(_critical_path(fleet))
        finally:
            fleet.stop()
    return median(fleets), median(paths)


def _fleet(feature: Path) -> "Fleet":
    from behave.parser import parse_file

    from support.containers.engine import connect
    from support.containers.fleet import Fleet
    from support.platforms.order import order_of
    from support.platforms.platform import Platform
    from support.progress import say

    client = connect()
    tags = parse_file(str(feature)).tags
    platform = Platform(REFERENCE)
    return Fleet(client, order_of(platform, feature.stem, tags, client, f"bench-{os.getpid()}", 8 << 30), say)


def _critical_path(fleet: "Fleet") -> float:
    """Seconds of the slowest service and of a node, each started alone by `docker run` instead of by the fleet."""
    for node in fleet.nodes[1:]:
        node.get_wrapped_container().remove(force=True, v=True)
    node_s = _alone(fleet.nodes[0])
    return node_s + max(_alone(service) for service in fleet.services if service not in fleet.nodes)


def _alone(service: "Service") -> float:
    """Seconds from `docker run` to the service's own answer, asked for as often as a fleet does."""
    from support.errors import FleetError

    service.get_wrapped_container().remove(force=True, v=True)
    command = service.as_docker_run()
    began = time.monotonic()
    done = subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    if done.returncode or not poll(lambda: service.answers(*service.address()), service.ready_within_s):
        raise FleetError(f"{service.name} did not start alone: {done.stderr}")
    return time.monotonic() - began
