"""What happened at the nodes, scrape by scrape: promtool lives through it on the shop's own rules, in a moment."""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hamcrest import assert_that, equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Alarm, Counted, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.lint import failures_of
from support.capabilities.metrics_pipeline_prometheus.oncall import Trouble
from support.worlds.draw import Draw

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

MINUTE_MS, HALF_A_SECOND_MS = 60_000, 500
_LATELY_S = 2.0  # whoever has been seen by then has its series

# How many customers get that at the node of that place between two scrapes.
Flows = Mapping[tuple[int, Errand, Outcome], int]


class Phase(NamedTuple):
    """So many scrapes, and what happens between each two of them; who is `unseen` cannot be scraped."""

    scrapes: int
    flows: Flows
    unseen: Collection[int] = ()


class Asked(NamedTuple):
    """A query at the end of a history, and the value that it is to have; None: it finds nothing."""

    query: str
    value: float | None


class Histories:
    """Those that are to be tried together, by the series that Prometheus has of the nodes, with all their labels."""

    every_ms = HALF_A_SECOND_MS  # a scrape; every second one the rules are looked at, of which most of the time is made

    def __init__(self, world: "World") -> None:
        self._world = world
        self._tests: list[dict[str, Any]] = []
        world.counts.await_scrapes(time.time() - _LATELY_S)
        self._known = [self._series_of(place) for place in range(len(world.nodes))]
        self._up = [_selector(world.prometheus.ask(node.up())[0].labels) for node in world.nodes]

    def add(self, name: str, phases: Sequence[Phase], asked: Sequence[Asked], draw: Draw) -> None:
        """A history, one phase after the other, and what is asked at its end. By which methods they come is drawn."""
        series = [{"series": up, "values": _sight(place, phases)} for place, up in enumerate(self._up)]
        for place, known in enumerate(self._known):
            for (errand, outcome), names in known.items():
                rates = [phase.flows.get((place, errand, outcome), 0) for phase in phases]
                if any(rates) or outcome is Outcome.SERVED:
                    series.append({"series": draw.choice(names), "values": _values(place, phases, rates)})
        end = f"{(sum(phase.scrapes for phase in phases) - 1) * self.every_ms}ms"
        tried = [
            {
                "expr": query,
                "eval_time": end,
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for query, value in asked
        ]
        self._tests.append(
            {"name": name, "interval": f"{self.every_ms}ms", "input_series": series, "promql_expr_test": tried}
        )

    def firing(self, alarms: Collection[Alarm], troubles: Sequence[Trouble]) -> list[Asked]:
        """Of these alarms `troubles` fire, and nothing else."""
        asked = []
        for alarm in alarms:
            count = sum(one.alarm is alarm for one in troubles)
            name = self._world.nodes[0].alarm(alarm)["alertname"]
            asked.append(_counted({"alertname": name}, count))
        for one in troubles:
            asked.append(_counted(self._world.nodes[one.place].alarm(one.alarm, one.errand), 1))
        return asked

    def expect_as_said(self) -> None:
        """What is asked at the end of each has the value that was said."""
        trial = {"evaluation_interval": f"{2 * self.every_ms}ms", "tests": self._tests}
        assert_that(failures_of(self._world.fleet, trial), equal_to(""), "what promtool says of the rules")

    def _series_of(self, place: int) -> Mapping[tuple[Errand, Outcome], list[str]]:
        """The names of the series of one node by what they count, as Prometheus has them, with all labels."""
        node = self._world.nodes[place]
        found: dict[Counted, list[str]] = {}
        for sample in self._world.counts.known(place, node.counters()):
            found.setdefault(node.means(sample.labels), []).append(_selector(sample.labels))
        wanted = [(errand, outcome) for errand in Errand for outcome in Outcome if outcome is not Outcome.UNANSWERED]
        return {one: sorted(found[Counted(*one)]) for one in wanted if Counted(*one) in found}


def _counted(labels: Mapping[str, str], count: int) -> Asked:
    wanted = ",".join(f"{name}={json.dumps(value)}" for name, value in {**labels, "alertstate": "firing"}.items())
    return Asked(f"count(ALERTS{{{wanted}}})", count or None)


def _selector(labels: Mapping[str, str]) -> str:
    own = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items() if name != "__name__")
    return f"{labels['__name__']}{{{own}}}"


def _sight(place: int, phases: Sequence[Phase]) -> str:
    return " ".join(f"{int(place not in phase.unseen)}x{phase.scrapes - 1}" for phase in phases)


def _values(place: int, phases: Sequence[Phase], rates: Sequence[int]) -> str:
    """A counter as promtool writes it; it goes stale when its node is not seen, and goes on where it was."""
    said, total = [], 0
    for phase, rate in zip(phases, rates, strict=True):
        if place in phase.unseen:
            said.append("stale" + f" _x{phase.scrapes - 1}" * (phase.scrapes > 1))
        else:
            said.append(f"{total + rate}+{rate}x{phase.scrapes - 1}")
            total += rate * phase.scrapes
    return " ".join(said)
