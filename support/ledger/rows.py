"""The ledger's file: a JSON object for each line, each line written whole, at once and to stay."""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from support.ledger.plan import PlannedScenario

Verdict = Literal["passed", "failed", "unknown", "not promised"]
CONTAINER_FIELDS = (
    *("capability", "service", "kind", "image", "digest", "source", "created_s", "started_s", "ready_s"),
    *("memory_limit", "peak_memory", "began", "waited_s"),
)


class Row(TypedDict):
    """What became of one selected scenario. Money in USD, times in seconds, `started` ISO 8601 UTC or null.

    Where the platform does not promise it (`not_promised` says why), it is judged all the same, and `judged` tells
    whether it passed or failed; its verdict is neither.
    """

    run: str
    scenario: str
    id: str
    name: str
    capability: str
    tier: int
    tags: list[str]
    mrr: int
    saving: int
    platform: str
    not_promised: str | None
    verdict: Verdict
    judged: Literal["passed", "failed"] | None
    reason: str | None
    started: str | None
    duration_s: float
    fleet_s: float | None
    evidence: str | None


class StepRow(TypedDict):
    """What became of one step of a scenario; `duration_s` in seconds."""

    keyword: str
    text: str
    outcome: Literal["passed", "failed", "unknown", "not reached"]
    duration_s: float


def blank(run: str, planned: PlannedScenario, reason: str) -> Row:
    """The row of a scenario of which nothing is known but why."""
    return Row(
        run=run,
        **planned,
        verdict="unknown",
        judged=None,
        reason=reason,
        started=None,
        duration_s=0.0,
        fleet_s=None,
        evidence=None,
    )


def tell(row: Row, verdict: Verdict, reason: str | None) -> None:
    """Enters the verdict on a scenario, and why; one that the platform does not promise neither passes nor fails."""
    row["verdict"], row["reason"] = verdict, reason
    if row["not_promised"] and verdict in ("passed", "failed"):
        row["judged"] = "passed" if verdict == "passed" else "failed"
        said = f"not promised: {row['not_promised']} (judged all the same: it {verdict})"
        row["verdict"], row["reason"] = "not promised", f"{said}\n{reason}" if reason else said


def now() -> str:
    """The time, ISO 8601 UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Adds `row` as one line; see `append_all`."""
    append_all(path, [row])


def append_all(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Adds a line for each of `rows`, all in one write, so that processes do not cut into each other's lines.

    Raises OSError; a line that is cut off by a full disk is closed by the next one, and not read.
    """
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(errors="backslashreplace")
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if _is_torn(file):
            lines = b"\n" + lines
        if os.write(file, lines) < len(lines):
            raise OSError(errno.ENOSPC, "the disk is full", str(path))
    finally:
        os.close(file)


def read(path: Path) -> list[Row]:
    """The rows of a ledger, none when there is no file. A torn line is left out; the last of an id counts."""
    found = {row["id"]: row for row in map(_parsed, _lines(path)) if row}
    return list(found.values())


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        yield from path.read_bytes().splitlines()


def _parsed(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return cast(Row, row) if isinstance(row, dict) and "id" in row else None


def _is_torn(file: int) -> bool:
    """Whether the file's last byte is not the end of a line."""
    end = os.fstat(file).st_size
    return end > 0 and os.pread(file, 1, end - 1) != b"\n"
