"""How the containers of a run started, what memory they took, and how that compares with earlier runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from support.report import plots
from support.report.material import TIMES, Material, since_let_in
from support.report.words import megabytes, took

_FULL = 0.9  # of its memory limit: from here on a container is worth a look


@dataclass(frozen=True)
class Time:
    """A time, and what it was in earlier runs: their median and their slowest, or empty."""

    now: str
    earlier: str


@dataclass(frozen=True)
class Container:
    """A container: when it was created, started and ready, in this order; `plot` and `memory_plot` are SVG."""

    service: str
    image: str
    source: str
    times: list[Time]
    plot: str
    memory: str
    memory_plot: str
    tight: bool


def containers_of(material: Material) -> dict[str, list[Container]]:
    """The containers by capability, in the order in which they were noted."""
    found: dict[str, list[Container]] = {}
    longest = 1.03 * max(_longest(material), default=1.0)
    for row in material.containers:
        found.setdefault(row["capability"], []).append(_container(row, material, longest))
    return found


def _longest(material: Material) -> Iterator[float]:
    """Every time that a plot has to have room for."""
    for row in material.containers:
        yield since_let_in(row, "ready_s") or 0.0
        yield from material.starts.get((row["capability"], row["service"], "ready_s"), [])


def _container(row: dict[str, Any], material: Material, longest: float) -> Container:
    seconds = [since_let_in(row, name) for name in TIMES]
    earlier = [material.starts.get((row["capability"], row["service"], name), []) for name in TIMES]
    times = [_time(now, before) for now, before in zip(seconds, earlier, strict=True)]
    peak, limit = row.get("peak_memory"), row.get("memory_limit")
    return Container(
        service=row["service"],
        image=str(row.get("image", "")),
        source=str(row.get("source", "")),
        times=times,
        plot=plots.starts(seconds, earlier[-1], longest, f"{row['service']}: ready after {times[-1].now}"),
        memory=_memory(peak, limit),
        memory_plot=plots.share(peak / limit, _memory(peak, limit)) if peak and limit else "",
        tight=bool(peak and limit and peak > _FULL * limit),
    )


def _time(now: float | None, earlier: list[float]) -> Time:
    told = f"{took(median(earlier))}, {took(max(earlier))}" if earlier else ""
    return Time("–" if now is None else took(now), told)


def _memory(peak: int | None, limit: int | None) -> str:
    if not limit:
        return "–"
    return f"{megabytes(peak)} of {megabytes(limit)}" if peak else f"not measured; at most {megabytes(limit)}"
