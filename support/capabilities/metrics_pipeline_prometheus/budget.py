"""What the shop's own rules make of hours of errors, and of a moment of everything: by promtool."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import FAILURES, NO_FAILURES, SOLD, Alarm, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.histories import MINUTE_MS, Asked, Flows, Phase
from support.capabilities.metrics_pipeline_prometheus.oncall import Trouble
from support.worlds.draw import Draw

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_Spell = tuple[int, int, int]  # minutes, and of the first node's customers in each of them: served, and failed

_HISTORIES: Mapping[str, Sequence[_Spell]] = {
    "one request in 50 has failed for 90 minutes, in any way": [(91, 98, 2)],
    "one request in 100 has failed for 2 hours": [(121, 99, 1)],
    "one request in 2000 has failed for 2 hours": [(121, 1999, 1)],
    "one request in 20 has failed for 2 hours, at a node to which few come": [(121, 95, 5)],
    "half of the requests failed for one minute": [(119, 100, 0), (1, 50, 50), (2, 100, 0)],
    "half of them failed for 20 minutes, and none for 35": [(61, 100, 0), (20, 50, 50), (35, 100, 0)],
    "all were refused, slowed down, left or found nothing for 2 hours": [(121, 1, 0)],
}
_IN_ANY_WAY = "one request in 50 has failed for 90 minutes, in any way"
_FEW_COME = "one request in 20 has failed for 2 hours, at a node to which few come"
_NO_FAILURE = "all were refused, slowed down, left or found nothing for 2 hours"
_WAYS = FAILURES[Errand.EXPORT]  # it may fail in all of them
_WOKEN = {"is woken": True, "is not woken": False}
_MOMENTS = 2
_BEFORE, _SCRAPES = 12, 9  # 4 s: all that dashboards may look back on
_TO = 1e-6


class Budget:
    """What the target's own rules make of it."""

    def __init__(self, world: "World") -> None:
        self._world, self._draw = world, world.draw()

    def live(self, histories: Mapping[str, str]) -> None:
        """The histories that sentences call so have happened, each of itself, and what somebody is to be then.

        At which node, for what customers came, and how they failed is drawn, but for one that is tried in every way.
        """
        self._world.histories.every_ms = MINUTE_MS
        for what, fate in histories.items():
            for errand, failure in self._ways(what):
                place = self._draw.randrange(len(self._world.nodes))
                phases = [Phase(spell[0], _flows(what, spell, place, errand, failure)) for spell in _HISTORIES[what]]
                burning = [Trouble(Alarm.BUDGET_BURNS)] if _WOKEN[fate] else []
                name = f"somebody {fate}: {what}; {self._draw}, {errand.name} {failure.name}"
                asked = self._world.histories.firing([Alarm.BUDGET_BURNS], burning)
                self._world.histories.add(name, phases, asked, self._draw)

    def mix(self) -> None:
        """Everything happens to customers of both nodes: of one to many, of the other to few; 4 s ago all was else."""
        for number in range(_MOMENTS):
            many = number % len(self._world.nodes)
            before, now = (_everything(self._draw, many) for _ in range(2))
            asked = [self._shown(errand, now) for errand in SOLD]
            self._world.histories.add(
                f"{self._draw}, {number}", [Phase(_BEFORE, before), Phase(_SCRAPES, now)], asked, self._draw
            )

    def _ways(self, what: str) -> list[tuple[Errand, Outcome]]:
        every = [(self._draw.choice([one for one in SOLD if failure in FAILURES[one]]), failure) for failure in _WAYS]
        return every if what == _IN_ANY_WAY else [self._draw.choice(every)]

    def _shown(self, errand: Errand, flows: Flows) -> Asked:
        came = {outcome: 0 for outcome in Outcome}
        for (_, wanted, outcome), count in flows.items():
            came[outcome] += count * (wanted is errand)
        share = sum(came[one] for one in FAILURES[errand]) / sum(came.values())
        shown = f"sum({self._world.nodes[0].share_of_errors(errand)})"
        return Asked(f"abs({shown} - {share!r}) < bool {_TO}", 1)


def _flows(what: str, spell: _Spell, place: int, errand: Errand, failure: Outcome) -> Flows:
    _, served, failed = spell
    if what == _NO_FAILURE:
        return {(place, errand, outcome): served for outcome in NO_FAILURES}
    others = {(1 - place, errand, Outcome.SERVED): 2000} if what == _FEW_COME else {}
    return {(place, errand, Outcome.SERVED): served, (place, errand, failure): failed} | others


def _everything(draw: Draw, many: int) -> Flows:
    return {
        (place, errand, outcome): draw.randint(1, 300 if place == many else 30)
        for place in (0, 1)
        for errand in SOLD
        for outcome in (Outcome.SERVED, *FAILURES[errand], *NO_FAILURES)
    }
