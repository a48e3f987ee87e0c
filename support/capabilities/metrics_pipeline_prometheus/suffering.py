"""What customers and nodes suffer for seconds, in every way and at either node, and what somebody is woken by then."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.metrics_pipeline_prometheus.client import FAILURES, NO_FAILURES, SOLD, Alarm, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.histories import Flows, Phase
from support.capabilities.metrics_pipeline_prometheus.oncall import Trouble

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_CALM, _LONG, _OUT_OF_SIGHT, _AFTER, _LOST = 6, 10, 12, 16, 24  # scrapes, of which there are two a second
_BOTH = (0, 1)
_WAYS = [(errand, failure) for errand in SOLD for failure in FAILURES[errand]]
_PAGES = [(Errand.LOOK, Outcome.CRASHED), (Errand.EXPORT, Outcome.BROKEN_OFF)]
_ORDERS = [(Errand.ORDER, failure) for failure in FAILURES[Errand.ORDER]]
_WOKEN: Mapping[str, tuple[Alarm, ...]] = {
    "is not woken": (),
    "is woken by errors": (Alarm.ERRORS,),
    "is woken by errors and the node": (Alarm.ERRORS, Alarm.NODE_DOWN),
    "is woken by orders": (Alarm.ORDER_FAILED,),
    "is woken by the node": (Alarm.NODE_DOWN,),
    "is woken by both nodes and the shop": (Alarm.NODE_DOWN, Alarm.SHOP_DOWN),
}
_JUDGED = (Alarm.ERRORS, Alarm.ORDER_FAILED, Alarm.NODE_DOWN, Alarm.SHOP_DOWN)


class _Scene(NamedTuple):
    """Where it happens: at which node, to those who come for what, how they fail, and how many come at each scrape."""

    place: int
    errand: Errand
    failure: Outcome
    many: int

    def served(self, times: int = 1) -> Flows:
        """Everybody gets everything, at both nodes; and of those who come for something else so many times more do."""
        return {
            (place, errand, Outcome.SERVED): self.many * (1 if errand is self.errand else times)
            for place, errand in product(_BOTH, SOLD)
        }

    def failed(self, failed: int, served: int, times: int = 1) -> Flows:
        """The same, but there so many fail, and so many are served."""
        here = {(self.place, self.errand, Outcome.SERVED): served, (self.place, self.errand, self.failure): failed}
        return {**self.served(times), **here}

    def turned_away(self) -> Flows:
        """There nobody gets anything, and it is no failure of the shop's."""
        away = {(self.place, self.errand, outcome): self.many for outcome in NO_FAILURES}
        return {**self.served(), **away, (self.place, self.errand, Outcome.SERVED): 0}

    def half(self) -> Flows:
        """Half of them fail there."""
        return self.failed(self.many, self.many)


class _Life(NamedTuple):
    """What happens after a calm, to whom it is tried, and at which nodes something is told of nodes."""

    phases: Callable[[_Scene], list[Phase]]
    ways: list[tuple[Errand, Outcome]]
    down: Callable[[_Scene], tuple[int, ...]] = lambda scene: (scene.place,)


def _unseen(scene: _Scene, scrapes: int) -> Phase:
    return Phase(scrapes, scene.served(), {scene.place})


_LIVES: Mapping[str, _Life] = {
    "half of those who come to a node for the same thing fail for 5 s, in any way": _Life(
        lambda scene: [Phase(_LONG, scene.half())], _WAYS
    ),
    "all fail who come for it, and 20 times as many are served who come for something else": _Life(
        lambda scene: [Phase(_LONG, scene.failed(2 * scene.many, 0, 40))], _PAGES
    ),
    "one in ten fails for 5 s": _Life(lambda scene: [Phase(_LONG, scene.failed(scene.many, 9 * scene.many))], _PAGES),
    "all are refused, slowed down, leave or find nothing for 5 s": _Life(
        lambda scene: [Phase(_LONG, scene.turned_away())], [(errand, Outcome.CRASHED) for errand in SOLD]
    ),
    "half of them fail for 5 s, and for 8 s none does": _Life(
        lambda scene: [Phase(_LONG, scene.half()), Phase(_AFTER, scene.served())], [*_PAGES, _ORDERS[0]]
    ),
    "half of them fail at the same moment, and then the node is out of sight for 6 s": _Life(
        lambda scene: [Phase(1, scene.half()), _unseen(scene, _OUT_OF_SIGHT)], _PAGES
    ),
    "half of them fail for 5 s, and then the node is out of sight for 6 s": _Life(
        lambda scene: [Phase(_LONG, scene.half()), _unseen(scene, _OUT_OF_SIGHT)], _PAGES
    ),
    "the same, and then the node has been back for 8 s and nobody fails": _Life(
        lambda scene: [
            *(Phase(_LONG, scene.half()), _unseen(scene, _OUT_OF_SIGHT)),
            Phase(_AFTER, scene.served()),
        ],
        _PAGES,
    ),
    "half of them fail for 5 s, then none does, and the other node is out of sight for 6 s": _Life(
        lambda scene: [
            Phase(_LONG, scene.half()),
            Phase(_OUT_OF_SIGHT, scene.served(), {1 - scene.place}),
        ],
        _PAGES,
        lambda scene: (1 - scene.place,),
    ),
    "one order fails, in any way": _Life(
        lambda scene: [Phase(1, scene.failed(1, 999)), Phase(1, scene.served())], _ORDERS
    ),
    "one order failed 6 s ago": _Life(
        lambda scene: [Phase(1, scene.failed(1, 999)), Phase(_OUT_OF_SIGHT, scene.served())], _ORDERS[:1]
    ),
    "a node has been out of sight for 12 s": _Life(lambda scene: [_unseen(scene, _LOST)], _PAGES),
    "a node has been out of sight for 2 s of every 3, for 12 s": _Life(
        lambda scene: [_unseen(scene, 4), Phase(2, scene.served())] * 4, _PAGES
    ),
    "both nodes have been out of sight for 12 s": _Life(
        lambda scene: [Phase(_LOST, scene.served(), _BOTH)], _PAGES[:1], lambda _: _BOTH
    ),
    "both nodes have been out of sight for 12 s, and back for 8 s": _Life(
        lambda scene: [Phase(_LOST, scene.served(), _BOTH), Phase(_AFTER, scene.served())], _PAGES[:1]
    ),
}


class Suffering:
    """What the target's own rules make of it."""

    def __init__(self, world: "World") -> None:
        self._world, self._draw = world, world.draw()

    def live(self, lives: Mapping[str, str]) -> None:
        """What sentences call so has happened after a calm of 3 s, and what somebody is to be by it, and nothing else.

        Each is tried in every way that there is, in turn at the first node and at the second.
        """
        for what, fate in lives.items():
            for scene in self._scenes(_LIVES[what].ways):
                phases = [Phase(_CALM, scene.served()), *_LIVES[what].phases(scene)]
                name = f"somebody {fate}: {what}; {self._draw}, {scene}"
                troubles = _troubles(scene, _WOKEN[fate], _LIVES[what].down(scene))
                asked = self._world.histories.firing(_JUDGED, list(troubles))
                self._world.histories.add(name, phases, asked, self._draw)

    def _scenes(self, ways: list[tuple[Errand, Outcome]]) -> Iterator[_Scene]:
        first = self._draw.randrange(len(self._world.nodes))
        for number, (errand, failure) in enumerate(ways):
            yield _Scene((first + number) % len(self._world.nodes), errand, failure, self._draw.randint(3, 50))


def _troubles(scene: _Scene, alarms: tuple[Alarm, ...], down: tuple[int, ...]) -> Iterator[Trouble]:
    for alarm in alarms:
        if alarm is Alarm.NODE_DOWN:
            yield from (Trouble(alarm, None, place) for place in down)
        elif alarm is Alarm.SHOP_DOWN:
            yield Trouble(alarm)
        else:
            yield Trouble(alarm, scene.errand, scene.place)
    if Alarm.ERRORS in alarms and scene.errand is Errand.ORDER:  # of an order that fails somebody is told, too
        yield Trouble(Alarm.ORDER_FAILED, scene.errand, scene.place)
