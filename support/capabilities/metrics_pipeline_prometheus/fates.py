"""What customers meet besides what they came for."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice, product
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, equal_to

from support.capabilities.metrics_pipeline_prometheus.client import SOLD, Errand, Outcome, Pass, Waiting
from support.capabilities.metrics_pipeline_prometheus.customers import Way
from support.errors import ProbeError
from support.polling import poll
from support.probes.node import connections

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_BEGINS_WITHIN_S = 3.0
_KNOWN_WITHIN_S = 2.0
_ERRANDS = ((Errand.ORDER, False), (Errand.LOOK, True), (Errand.EXPORT, False), (Errand.LOOK, False))
_NO_EXPORT = tuple(one for one in _ERRANDS if one[0] is not Errand.EXPORT)  # it is passed on unread


class Fates:
    """Customers who meet something, in turn at the first node and at the second, whatever they came for."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def meet_all(self, fates: Mapping[str, int]) -> None:
        """So many customers meet each fate of that name, and get what it says."""
        visits = self._world.customers.visits
        for name, count in fates.items():
            before, fate = len(visits), FATES[name]
            fate.meet(self, count)
            assert_that([visit.outcome for visit in visits[before:]], equal_to([fate.outcome] * count), name)

    def crash(self, count: int) -> None:
        """The warehouse answers by what nobody can read."""
        label = self._label()
        self._world.warehouse.answer({"path": f"*/{label}"}, 200, "<html>")
        self._come(count, _NO_EXPORT, label)

    def fail(self, count: int) -> None:
        """The warehouse fails."""
        label = self._label()
        self._world.warehouse.arm("status", times=None, match={"path": f"*/{label}"}, status=500)
        self._come(count, _ERRANDS, label)

    def refuse(self, count: int) -> None:
        """They have not signed in."""
        self._come(count, _ERRANDS, shown=Pass.NONE)

    def expire(self, count: int) -> None:
        """They had signed in, and their session has ended."""
        self._come(count, _ERRANDS, shown=Pass.EXPIRED)

    def slow_down(self, count: int) -> None:
        """The warehouse is asked too often."""
        label = self._label()
        self._world.warehouse.answer({"path": f"*/{label}"}, 429, "{}")
        self._come(count, _ERRANDS, label)

    def close(self, count: int) -> None:
        """The shop is closed for maintenance; once they have come it opens again."""
        try:
            for node in self._world.nodes:
                node.maintain(True)
            self._come(count, _ERRANDS)
        finally:
            for node in self._world.nodes:
                node.maintain(False)

    def find_nothing(self, count: int) -> None:
        """They ask for what the shop does not have."""
        self._come(count, [(Errand.NOTHING, False)])

    def break_off(self, count: int) -> None:
        """The warehouse breaks off in the middle of what is passed on."""
        label = self._label()
        self._world.warehouse.arm("reset", times=None, match={"path": f"*/{label}"}, part="body")
        self._come(count, [(Errand.EXPORT, False)], label)

    def leave(self, count: int) -> None:
        """They hang up while the warehouse lets them wait."""
        self._leave(count, self._label())

    def leave_before_failure(self, count: int) -> None:
        """They hang up while the warehouse lets them wait; after that it fails."""
        label = self._label()
        self._world.warehouse.answer({"path": f"*/{label}"}, 500, "{}")
        self._leave(count, label)

    def leave_midway(self, count: int) -> None:
        """They hang up in the middle of an export, which comes no further. Raises ProbeError if it never began."""
        label, customers = self._label(), self._world.customers
        hanging = self._world.warehouse.arm("hang", times=None, match={"path": f"*/{label}"}, part="body")
        ways = _by_way(count, [(Errand.EXPORT, False)])
        waiting = [customers.wait_at(hanging, some, way.errand, way.place, label) for way, some in ways]
        if not all(one.begun(_BEGINS_WITHIN_S) for some in waiting for one in some):
            raise ProbeError(f"an export did not begin within {_BEGINS_WITHIN_S:g} s")
        self._hang_up(ways, waiting)

    def _leave(self, count: int, label: str) -> None:
        customers = self._world.customers
        held = self._world.warehouse.arm("hold_before", times=None, match={"path": f"*/{label}"})
        ways = _by_way(count, [(errand, False) for errand in SOLD])
        before = [connections(node) for node in self._world.fleet.nodes]
        waiting = [customers.wait_at(held, some, way.errand, way.place, label) for way, some in ways]
        self._hang_up(ways, waiting)
        self._await_left(before)
        held.heal()
        customers.note_the_time()

    def _hang_up(self, ways: Sequence[tuple[Way, int]], waiting: Sequence[Sequence[Waiting]]) -> None:
        for (way, _), some in zip(ways, waiting, strict=True):
            self._world.customers.leave(some, way.errand, way.place)

    def _await_left(self, before: Sequence[int]) -> None:
        """Until the nodes' kernel knows that they have hung up. Prometheus may have opened one more meanwhile."""
        nodes = self._world.fleet.nodes
        poll(lambda: all(connections(n) <= count for n, count in zip(nodes, before, strict=True)), _KNOWN_WITHIN_S)

    def _come(
        self, count: int, errands: Sequence[tuple[Errand, bool]], label: str = "", shown: Pass = Pass.VALID
    ) -> None:
        self._world.customers.come_by(_ways(count, errands), label, shown)

    def _label(self) -> str:
        return self._world.fresh("order")


def _ways(count: int, errands: Sequence[tuple[Errand, bool]]) -> list[Way]:
    """So many ways, in turn to each node, and for each errand in its turn."""
    every = [Way(place, errand, glance) for (errand, glance), place in product(errands, (0, 1))]
    return list(islice(cycle(every), count))


def _by_way(count: int, errands: Sequence[tuple[Errand, bool]]) -> list[tuple[Way, int]]:
    """The same, and how many go each of them."""
    return list(Counter(_ways(count, errands)).items())


class _Fate(NamedTuple):
    """How it comes to customers, and what they get by it."""

    meet: Callable[[Fates, int], None]
    outcome: Outcome


FATES: Mapping[str, _Fate] = {
    "an error of the shop's own": _Fate(Fates.crash, Outcome.CRASHED),
    "a warehouse that fails": _Fate(Fates.fail, Outcome.NEIGHBOUR_FAILED),
    "a refusal, because they have not signed in": _Fate(Fates.refuse, Outcome.REFUSED),
    "a refusal, because their session has expired": _Fate(Fates.expire, Outcome.REFUSED),
    "the advice to come more slowly": _Fate(Fates.slow_down, Outcome.SLOWED_DOWN),
    "a shop that is closed for maintenance": _Fate(Fates.close, Outcome.CLOSED),
    "a page that is not there": _Fate(Fates.find_nothing, Outcome.NOT_THERE),
    "an export that breaks off in the middle": _Fate(Fates.break_off, Outcome.BROKEN_OFF),
    "such a wait that they leave": _Fate(Fates.leave, Outcome.LEFT),
    "the same, and then the warehouse fails": _Fate(Fates.leave_before_failure, Outcome.LEFT),
    "an export of which they want only half": _Fate(Fates.leave_midway, Outcome.LEFT),
}
