"""Plots as SVG inside of the page.

Positions are shares of the width and letters have their own size, so a plot is as legible on a phone as on a wall.
Colours and patterns are classes of the page's style sheet: it knows about the dark and about paper.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import svg
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from support.ledger.summary import Money
    from support.report.timeline import Timeline

_LANE, _BAR, _AXIS = 40, 14, 24  # pixels
_STEPS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


def revenue(money: "Money", told: str, height: int = 30) -> Markup:
    """One bar of verified, exposed and untold money, each with a pattern of its own; `told` is the same in words."""
    total = money["total"] or 1
    parts: list[svg.Element] = []
    start = 0.0
    for kind in ("verified", "exposed", "untold"):
        wide = 100 * money[kind] / total
        if wide:
            parts.append(svg.Rect(x=_percent(start), width=_percent(wide), height=height, class_=[f"bar {kind}"]))
        if start and wide:
            parts.append(svg.Rect(x=_percent(start), width=2, height=height, class_=["gap"]))
        start += wide
    return _drawing(height, told, parts)


def verdicts(past: Sequence[str]) -> Markup:
    """A mark for each of the newest verdicts, oldest first: high for passed, low for failed, a dot for all others."""
    places = {"passed": (0, 8), "failed": (8, 8), "unknown": (6, 4), "not promised": (6, 4)}
    marks: list[svg.Element] = [
        svg.Rect(x=number * 5, y=places[verdict][0], width=3, height=places[verdict][1], class_=[_class(verdict)])
        for number, verdict in enumerate(past)
    ]
    told = f"its last {len(past)} verdicts, oldest first: {', '.join(past)}"
    return _drawing(16, told, marks, width=len(past) * 5)


def _class(verdict: str) -> str:
    return verdict.replace(" ", "-")


def starts(times: Sequence[float | None], earlier: Sequence[float], longest: float, told: str) -> Markup:
    """A container's way to being ready, above the range of earlier runs: from their median to their slowest."""
    points = [0.0, *(_share(one, longest) for one in times if one is not None)]
    pieces: list[svg.Element] = []
    if earlier:
        middle, slowest = _share(median(earlier), longest), _share(max(earlier), longest)
        pieces += [
            svg.Rect(
                x=_percent(middle), y=2, width=_percent(max(0.6, slowest - middle)), height=14, class_=["earlier"]
            ),
            svg.Rect(x=_percent(middle), y=0, width=2, height=18, class_=["median"]),
        ]
    for kind, (start, end) in zip(("created", "started", "ready"), pairwise(points), strict=False):
        pieces.append(svg.Rect(x=_percent(start), y=6, width=_percent(end - start), height=6, class_=[kind]))
    return _drawing(18, told, pieces)


def share(part: float, told: str) -> Markup:
    """How much of a limit was taken."""
    full = "tight" if part > 0.9 else "ready"
    return _drawing(
        10,
        told,
        [
            svg.Rect(width=svg.Length(100, "%"), height=10, class_=["limit"]),
            svg.Rect(width=_percent(min(100.0, 100 * part)), height=10, class_=[full]),
        ],
    )


def timeline(times: "Timeline", told: str) -> Markup:
    """A lane for each capability, its name above its bars, over an axis of seconds."""
    height = _LANE * len(times.lanes)
    total = times.total_s or 1.0
    pieces = [*_axis(total, height)]
    for number, lane in enumerate(times.lanes):
        top = number * _LANE
        pieces.append(svg.Text(x=0, y=top + 14, text=str(escape(lane.title)), class_=["label"]))
        for span in lane.spans:
            bar = svg.Rect(
                x=_percent(100 * span.start_s / total),
                y=top + 19,
                width=_percent(max(0.15, 100 * (span.end_s - span.start_s) / total)),
                height=_BAR,
                class_=[span.kind],
            )
            bar.elements = [svg.Title(text=str(escape(span.title)))]
            pieces.append(bar)
    return _drawing(height + _AXIS, told, pieces)


def _axis(total_s: float, height: int) -> Iterator[svg.Element]:
    step = next((one for one in _STEPS_S if total_s / one <= 8), _STEPS_S[-1])
    for number in range(int(total_s / step) + 1):
        place = _percent(100 * number * step / total_s)
        yield svg.Line(x1=place, x2=place, y1=0, y2=height, class_=["tick"])
        anchor = "middle" if 0 < number * step < 0.97 * total_s else "start" if not number else "end"
        label = f"{number * step:g} s" if step < 60 else f"{number * step / 60:g} min"
        yield svg.Text(x=place, y=height + 16, text=label, text_anchor=anchor, class_=["axis"])  # type: ignore[arg-type]


def _share(value: float, longest: float) -> float:
    return 100 * value / (longest or 1.0)


def _percent(value: float) -> svg.Length:
    return svg.Length(round(value, 2), "%")


def _drawing(height: int, told: str, pieces: list[svg.Element], width: int | None = None) -> Markup:
    """An image to whoever cannot see it: `told` is its text."""
    drawing = svg.SVG(
        xmlns=None,
        width=width or svg.Length(100, "%"),
        height=height,
        elements=pieces,
        class_=["plot"],
        extra={"role": "img", "aria-label": str(escape(told))},
    )
    return Markup(str(drawing))
