"""What customers meet besides what they came for."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from support.capabilities.metrics_pipeline_prometheus.client import Errand

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World


class Fates:
    """Customers of the first node who meet something."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def meet_all(self, fates: Mapping[str, int]) -> None:
        """So many customers meet each fate of that name."""
        for fate, count in fates.items():
            FATES[fate](self, count)

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
        self._world.customers.come(count, Errand.ORDER, 0, known=False)

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
        label, customers = self._label(), self._world.customers
        held = self._world.warehouse.arm("hold_before", times=None, match={"path": f"*/{label}"})
        customers.wait_at(held, count, Errand.LOOK, 0, label)
        customers.leave(Errand.LOOK, 0)
        self._world.let_pass(0.1)  # until the node's kernel has told it so
        held.heal()
        customers.note_the_time()

    def _label(self) -> str:
        return self._world.fresh("order")


FATES: Mapping[str, Callable[[Fates, int], None]] = {
    "an error of the shop's own": Fates.crash,
    "a warehouse that fails": Fates.fail,
    "a refusal, because they have not signed in": Fates.refuse,
    "the advice to come more slowly": Fates.slow_down,
    "a shop that is closed for maintenance": Fates.close,
    "a page that is not there": Fates.find_nothing,
    "an export that breaks off in the middle": Fates.break_off,
    "such a wait that they leave": Fates.leave,
}
