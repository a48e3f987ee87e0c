"""Callers of one service beside those who wait for another one: how often they are answered, alone and meanwhile."""

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from support.capabilities.circuit_breaker_service_failures.calls import MAY_BE_GIVEN_UP_S, Call
from support.capabilities.circuit_breaker_service_failures.client import Outcome
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_CALLERS, _ALONE_S = 4, 0.4
_COME_WITHIN_S, _LOOKS_EVERY_S, _LOOKS = 1.0, 0.05, 4  # after so many looks that saw no more come, no more will
_LEAST_ROUNDS, _MOST_ROUNDS = 2, 8
_ENOUGH = 60  # answers that are to be expected: a tenth of fewer is too near to none at all


class Beside:
    """How many callers of the other service were answered, and how many seconds they had for that."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._alone = self._meanwhile = 0
        self._alone_s = self._meanwhile_s = 0.0

    def call(self, waiting: int) -> None:
        """They call alone, and then while `waiting` callers wait for a service that is silent, and so on.

        A silent service of its own each time, as the breaker of the one before has opened.
        """
        stem = self._world.fresh("silent")
        self._world.services.arm("hold_before", times=None, match={"path": f"/{stem}*"})
        for number in range(_MOST_ROUNDS):
            alone = self._answered(time.time() + _ALONE_S)
            if self._call_beside(f"{stem}-{number}", waiting):
                self._alone += alone
                self._alone_s += _ALONE_S
            if number + 1 >= _LEAST_ROUNDS and self._expected() >= _ENOUGH:
                return

    def _call_beside(self, silent: str, waiting: int) -> bool:
        """Whether that counts: the same callers waited from its beginning to its end, before any could be given up."""
        given_up_from = time.time() + MAY_BE_GIVEN_UP_S
        with ExitStack() as closing:
            for number in range(waiting):
                closing.callback(self._world.nodes[0].begin(silent, f"waits/{number}").hang_up)
            wait = self._await_no_more(silent, waiting)
            since = time.time()
            answered = self._answered(given_up_from)
            seen = self._world.arrivals(service=silent)
        if since >= given_up_from or not 0 < wait == sum(call.arrived < given_up_from for call in seen):
            return False
        self._meanwhile += answered
        self._meanwhile_s += given_up_from - since
        return True

    def _await_no_more(self, silent: str, waiting: int) -> int:
        """How many wait, once it is all of them, or no more seem to come: what limits them may hold up others, too."""
        came: list[int] = []

        def no_more() -> bool:
            came.append(len(self._world.arrivals(service=silent)))
            return came[-1] >= waiting or (len(came) > _LOOKS and 0 < came[-1] == came[-1 - _LOOKS])

        poll(no_more, _COME_WITHIN_S, _LOOKS_EVERY_S)
        return came[-1]

    def _answered(self, until: float) -> int:
        """How many of those who call the other service from now on, in turn, are answered by then."""
        with threads(_CALLERS) as pool:
            calling = [pool.submit(self._keep_calling, until) for _ in range(_CALLERS)]
        calls = [call for calls in calling for call in calls.result() if call.heard <= until]
        return sum(call.reply.outcome is Outcome.ANSWERED for call in calls)

    def _keep_calling(self, until: float) -> list[Call]:
        calls: list[Call] = []
        while time.time() < until:
            calls += self._world.call_other(1)
        return calls

    def _expected(self) -> float:
        return self._alone * self._meanwhile_s / self._alone_s if self._alone_s else 0.0

    def expect_as_often(self, percent: int) -> None:
        """They were answered at least `percent` as often while others waited. Whoever is held up is not, until then.

        Raises ProbeError when too few answers were to be expected in that time.
        """
        expected = self._expected()
        if expected < _ENOUGH:
            raise ProbeError(f"{expected:.0f} answers were to be expected while others waited: too few to tell")
        must(
            self._meanwhile >= expected * percent / 100,
            f"{self._meanwhile} calls were answered in the {self._meanwhile_s:.2f} s in which others waited for a "
            f"silent service; by what there were alone it had to be {expected:.0f}",
        )
