"""The history: a line for each run and scenario, only ever added to, and what it says about a verdict of today.

Scenarios are known by the ledger's id, which survives when lines move. Two runs stand on the same ground when they
judged the same target, through the same adapters, on the same clean commit: a scenario that passed on one and failed
on the other is flaky. What was told of another platform is another history.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypedDict, cast, get_args

from support.ledger.folder import CONTAINERS, HISTORY
from support.ledger.plan import Plan, platform_of
from support.ledger.rows import Row, Verdict, append_all
from support.platforms.description import REFERENCE_NAME

NODE = "platform"  # the kind of a container that is a node of the target
READ_AT_MOST = 8 * 1024**2  # bytes, from the end: 150 runs of 200 scenarios; what is older stays in the file unread
_FIELDS = ("run", "id", "verdict", "commit", "clean", "target", "at", "duration_s")


class Line(TypedDict):
    """One verdict on a `platform`: `at` is ISO 8601 UTC.

    `commit`, `target` (an image's digest) and `adapters` (that of the platform's folder) are null where nobody knows.
    """

    run: str
    id: str
    verdict: Verdict
    commit: str | None
    clean: bool
    target: str | None
    platform: str
    adapters: str | None
    at: str
    duration_s: float


class Rate(NamedTuple):
    """How often a scenario passed and failed on the same ground; it is flaky when it did both."""

    passed: int
    failed: int

    @property
    def flaky(self) -> bool:
        """Whether nobody can rely on one verdict of it."""
        return self.passed > 0 and self.failed > 0

    def __str__(self) -> str:
        total = self.passed + self.failed
        return f"passed in {self.passed} of {total} runs of this commit ({self.passed / total:.0%})"


@dataclass
class History:
    """The lines by scenario, in the order in which runs ended, and the sentences about what could not be read."""

    lines: dict[str, list[Line]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def rates(self, now: Iterable[Line]) -> dict[str, Rate]:
        """How often each scenario of `now` passed and failed on the ground that it stands on, `now` included."""
        return {line["id"]: self._rate(line) for line in now}

    def durations(self) -> dict[str, float]:
        """Seconds that each scenario took when it last ran."""
        return {key: line["duration_s"] for key, lines in self.lines.items() for line in lines if line["duration_s"]}

    def before(self, now: Line) -> list[Line]:
        """What was told of the scenario of `now` until then, on the same platform."""
        lines = [line for line in self.lines.get(now["id"], []) if line["platform"] == now["platform"]]
        place = next((place for place, line in enumerate(lines) if line["run"] == now["run"]), len(lines))
        return lines[:place]

    def _rate(self, now: Line) -> Rate:
        if not now["commit"] or not now["clean"]:
            verdicts = [now["verdict"]]
        else:
            same = {line["run"]: line["verdict"] for line in self.lines.get(now["id"], []) if _ground(line, now)}
            verdicts = [*(same | {now["run"]: now["verdict"]}).values()]
        return Rate(verdicts.count("passed"), verdicts.count("failed"))


def read(path: Path) -> History:
    """The history in `path`; an empty one when there is none. What is damaged is left out and told in `problems`."""
    history = History()
    try:
        text, first = _tail(path)
    except FileNotFoundError:
        return history
    except OSError as error:
        history.problems.append(f"the history {path} cannot be read, so nothing is known of earlier runs: {error}")
        return history
    found: dict[tuple[str, str], Line] = {}
    damaged = []
    for number, line in enumerate(text.split(b"\n"), first):
        parsed = _parsed(line)
        if parsed:
            found[parsed["run"], parsed["id"]] = parsed
        elif line.strip():
            damaged.append(number)
    for one in found.values():
        history.lines.setdefault(one["id"], []).append(one)
    history.problems += _told(path, damaged, counted_from_the_end=first < 0)
    return history


def note(path: Path, lines: Iterable[Line], known: History) -> None:
    """Adds those of `lines` that `known`, read from `path` before, does not have, in one write. Raises OSError."""
    new = [line for line in lines if all(old["run"] != line["run"] for old in known.lines.get(line["id"], []))]
    if new:
        append_all(path, new)


def lines_of(run_dir: Path, plan: Plan, rows: Iterable[Row]) -> list[Line]:
    """What a run in `run_dir` adds to the history: a line for each of its rows."""
    commit, platform = plan.get("commit"), platform_of(plan)
    targets = _targets(run_dir)
    return [
        Line(
            run=row["run"],
            id=row["id"],
            verdict=row["verdict"],
            commit=commit["id"] if commit else None,
            clean=bool(commit and commit["clean"]),
            target=targets.get(row["capability"]),
            platform=platform["name"],
            adapters=platform["digest"] or None,
            at=row["started"] or plan["began"],
            duration_s=row["duration_s"],
        )
        for row in rows
    ]


def file_of(run_dir: Path, plan: Plan) -> Path:
    """Where the history of the run in `run_dir` is kept: what its plan says, else beside the run.

    The plan of a run that was carried here from another machine names a place that is not here.
    """
    named = Path(plan.get("history") or run_dir.parent / HISTORY)
    return named if named.parent.is_dir() or named.parent == run_dir.parent else run_dir.parent / HISTORY


def _targets(run_dir: Path) -> dict[str, str]:
    """The image of the nodes that each capability was judged on."""
    return {
        container["capability"]: container["digest"] or container["image"]
        for container in containers(run_dir)
        if container["kind"] == NODE
    }


def containers(run_dir: Path) -> Iterator[Mapping[str, str]]:
    """The rows of containers.jsonl that can be read."""
    try:
        text = (run_dir / CONTAINERS).read_bytes()
    except OSError:
        return
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and {"capability", "kind", "image", "digest"} <= row.keys():
            yield row


def _ground(line: Line, now: Line) -> bool:
    return line["clean"] and all(line[name] == now[name] for name in ("commit", "target", "platform", "adapters"))


def _tail(path: Path) -> tuple[bytes, int]:
    """The end of the file, and the number of its first line: 1, or less than 0 when the beginning was left out."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - READ_AT_MOST))
        text = file.read()
    if size <= READ_AT_MOST:
        return text, 1
    whole = text.partition(b"\n")[2]
    return whole, -whole.count(b"\n")


def _parsed(line: bytes) -> Line | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or row.get("verdict") not in get_args(Verdict):
        return None
    row = {"platform": REFERENCE_NAME, "adapters": None} | row  # no platform had a name once
    sound = set(_FIELDS) <= row.keys() and all(isinstance(row[name], str) for name in ("run", "id", "at"))
    return cast(Line, row) if sound else None


def _told(path: Path, damaged: list[int], counted_from_the_end: bool) -> list[str]:
    if not damaged:
        return []
    which = ", ".join(str(abs(number)) for number in damaged[:5]) + (", …" if len(damaged) > 5 else "")
    place = "from the end" if counted_from_the_end else "of it"
    count = f"{len(damaged)} line{'s' * (len(damaged) != 1)}"
    return [f"the history {path} has {count} that cannot be read, and that were skipped: {which} {place}"]
