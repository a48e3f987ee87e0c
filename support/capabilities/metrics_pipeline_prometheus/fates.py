"""What customers meet besides what they came for."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Errand, Outcome, Pass
from support.errors import ProbeError

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_BEGINS_WITHIN_S = 3.0


class Fates:
    """Customers of the first node who meet something."""

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
        self._world.customers.come(count, Errand.ORDER, 0, label)

    def fail(self, count: int) -> None:
        """The warehouse fails."""
        label = self._label()
        self._world.warehouse.arm("status", times=None, match={"path": f"*/{label}"}, status=500)
        self._world.customers.come(count, Errand.LOOK, 0, label)

    def refuse(self, count: int) -> None:
        """They have not signed in."""
        self._world.customers.come(count, Errand.ORDER, 0, shown=Pass.NONE)

    def expire(self, count: int) -> None:
        """They had signed in, and their session has ended."""
        self._world.customers.come(count, Errand.ORDER, 0, shown=Pass.EXPIRED)

    def slow_down(self, count: int) -> None:
        """The warehouse is asked too often."""
        label = self._label()
        self._world.warehouse.answer({"path": f"*/{label}"}, 429, "{}")
        self._world.customers.come(count, Errand.LOOK, 0, label)

    def close(self, count: int) -> None:
        """The shop is closed for maintenance; once they have come it opens again."""
        node = self._world.nodes[0]
        node.maintain(True)
        try:
            self._world.customers.come(count, Errand.ORDER, 0)
        finally:
            node.maintain(False)

    def find_nothing(self, count: int) -> None:
        """They ask for what the shop does not have."""
        self._world.customers.come(count, Errand.NOTHING, 0)

    def break_off(self, count: int) -> None:
        """The warehouse breaks off in the middle of what is passed on."""
        label = self._label()
        self._world.warehouse.arm("reset", times=None, match={"path": f"*/{label}"}, part="body")
        self._world.customers.come(count, Errand.EXPORT, 0, label)

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
        customers.wait_at(hanging, count, Errand.EXPORT, 0, label)
        if not all(one.begun(_BEGINS_WITHIN_S) for one in customers.waiting):
            raise ProbeError(f"an export did not begin within {_BEGINS_WITHIN_S:g} s")
        customers.leave(Errand.EXPORT, 0)

    def _leave(self, count: int, label: str) -> None:
        customers = self._world.customers
        held = self._world.warehouse.arm("hold_before", times=None, match={"path": f"*/{label}"})
        customers.wait_at(held, count, Errand.LOOK, 0, label)
        customers.leave(Errand.LOOK, 0)
        self._world.let_pass(0.1)  # until the node's kernel has told it so
        held.heal()
        customers.note_the_time()

    def _label(self) -> str:
        return self._world.fresh("order")


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
