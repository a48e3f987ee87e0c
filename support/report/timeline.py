"""When each fleet and each scenario ran, and what waited for what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

from support.ledger.history import NODE
from support.ledger.rows import Row
from support.report.features import Feature
from support.report.material import Material
from support.report.words import moment, took


@dataclass(frozen=True)
class Span:
    """A piece of a lane: what it is (waiting, services, nodes, or a verdict), and seconds since the run began."""

    kind: str
    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Lane:
    """One capability's way through the run; the times are texts for the table below the plot."""

    title: str
    spans: list[Span]
    began: str
    waited: str
    ready: str
    ran: str

    @property
    def start_s(self) -> float:
        """When its fleet began."""
        return self.spans[0].start_s

    @property
    def end_s(self) -> float:
        """When its last scenario had ended."""
        return max(span.end_s for span in self.spans)


@dataclass(frozen=True)
class Timeline:
    """All lanes, in the order in which they began, and how long the run took in seconds."""

    lanes: list[Lane]
    total_s: float

    @property
    def critical_path(self) -> list[Lane]:
        """Those that set the length of the run: the last to end, before it the one whose end let it begin, and so on.

        It is that of one machine: what runs on another waits for nobody here.
        """
        path = sorted(self.lanes, key=attrgetter("end_s"))[-1:]
        while before := [lane for lane in self.lanes if lane.start_s < lane.end_s <= path[0].start_s]:
            path.insert(0, max(before, key=attrgetter("end_s")))
        return path


def timeline_of(material: Material, features: Sequence[Feature]) -> Timeline:
    """The timeline of a run; without lanes when nothing of it began."""
    titles = {feature.key: feature.title for feature in features}
    zero = _zero(material)
    lanes = []
    for key, title in titles.items():
        rows = [row for row in material.outcome.rows if row["capability"] == key and row["started"]]
        containers = [row for row in material.containers if row["capability"] == key]
        spans = [*_fleet(containers, rows, zero), *(_scenario(row, zero) for row in rows)]
        if spans:
            lanes.append(_lane(title, spans))
    lanes.sort(key=attrgetter("start_s"))
    return Timeline(lanes, max((lane.end_s for lane in lanes), default=0.0))


def _zero(material: Material) -> float:
    """The earliest moment that anything tells of; a merged report is younger than its runs."""
    times = [row["started"] for row in material.outcome.rows if row["started"]]
    times += [row["began"] for row in material.containers if row.get("began")]
    return min((_at(text) for text in times), default=0.0)


def _fleet(containers: Sequence[dict[str, Any]], rows: Sequence[Row], zero: float) -> Iterable[Span]:
    """A fleet's way to being ready: waiting for memory, services, nodes. Where nobody noted when it began, nothing."""
    began = next((row["began"] for row in containers if row.get("began")), None)
    if not began:
        return
    start = _at(began) - zero
    let_in = start + max(row.get("waited_s") or 0.0 for row in containers)
    services = max((row["ready_s"] or 0 for row in containers if not _is_node(row)), default=0.0)
    nodes = max((row["ready_s"] or 0 for row in containers if _is_node(row)), default=0.0)
    if let_in - start >= 0.1:
        yield Span("waiting", f"waited {took(let_in - start)} for memory", start, let_in)
    if services:
        yield Span("services", f"services ready after {took(services)}", let_in, start + services)
    if nodes > services:
        yield Span("nodes", f"nodes ready after {took(nodes)}", max(let_in, start + services), start + nodes)


def _scenario(row: Row, zero: float) -> Span:
    start = _at(row["started"] or "") - zero
    title = f"{row['name']}: {row['verdict']}, {took(row['duration_s'])}"
    return Span(row["verdict"].replace(" ", "-"), title, start, start + row["duration_s"])


def _lane(title: str, spans: list[Span]) -> Lane:
    spans = sorted(spans, key=lambda span: span.start_s)
    waited = sum(span.end_s - span.start_s for span in spans if span.kind == "waiting")
    fleet = [span for span in spans if span.kind in ("waiting", "services", "nodes")]
    scenarios = [span for span in spans if span not in fleet]
    return Lane(
        title=title,
        spans=spans,
        began=str(timedelta(seconds=round(spans[0].start_s))),
        waited=took(waited) if waited else "–",
        ready=took(fleet[-1].end_s - fleet[0].start_s) if fleet else "–",
        ran=took(scenarios[-1].end_s - scenarios[0].start_s) if scenarios else "–",
    )


def _is_node(row: dict[str, Any]) -> bool:
    return bool(row.get("kind") == NODE)


def _at(text: str) -> float:
    found = moment(text)
    return found.timestamp() if found else 0.0
