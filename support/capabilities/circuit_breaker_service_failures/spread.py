"""Two gateways whose breakers opened together: they are not to come back to the service together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from support.capabilities.circuit_breaker_service_failures.calls import LEAST_CALLS
from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES
from support.clients.provider_control import Arrival
from support.errors import ProbeError
from support.promise import broken, must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_ASKED_FROM_S = 1.9  # a moment before any breaker may let a call through
_CERTAINLY_OVER_S, _GIVES_UP_S = 2.5, 3.0
_SPREAD_S = 0.4  # a fifth of the wait: what waits that are meant to differ are spread over
_BY_CHANCE = 0.001  # so seldom such waits look alike for all services


@dataclass
class _Breaker:
    """One gateway's breaker for one service: when its callers heard that it had to open, and how it went on.

    Times in seconds since 1970. `refused`: when the last call was made that was not let through.
    """

    node: Adapter
    service: str
    opened: float = 0.0
    refused: float = 0.0
    let_through: bool = False


class Spread:
    """Breakers of several services in both gateways."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._breakers: dict[str, list[_Breaker]] = {}  # of each service, one for each gateway

    def open(self, services: int) -> None:
        """`services` new services fail, and each gateway's breakers for them open."""
        group = self._world.fresh("group")
        self._world.services.arm(times=None, match={"path": f"/{group}-*"}, **FAILURES["fails"])
        for number in range(services):
            name = f"{group}-{number}"
            self._breakers[name] = [_Breaker(node, name) for node in self._world.nodes]
        self._each_gateway(_open)

    def keep_calling(self) -> None:
        """Calls all of them through both gateways, until each has let a call through."""
        self._each_gateway(_call_in_turn)

    def expect_apart(self) -> None:
        """For one service at least the two gateways did not wait for equally long.

        That one gateway waited for longer is certain when it refused a call after a wait after which the other one had
        let a call through. Raises ProbeError when waits that differ might look alike for all services.
        """
        pairs = [(self._wait(first), self._wait(second)) for first, second in self._breakers.values()]
        if not all(map(_alike, pairs)):
            return
        chances, waits = [prod(map(_by_chance, pairs))], [wait for pair in pairs for wait in pair]
        if _alike(waits):
            chances.append(_by_chance(waits))
        if min(chances) > _BY_CHANCE:
            raise ProbeError(f"the waits are not known well enough to compare them: {pairs}")
        broken(f"both gateways waited for equally long for each service (seconds, at least and at most): {pairs}")

    def _wait(self, breaker: _Breaker) -> tuple[float, float]:
        """For how long it has waited (seconds): at least, and at most."""
        seen = self._world.arrivals(self._world.nodes.index(breaker.node), breaker.service)
        refused_for = breaker.refused - breaker.opened
        if len(seen) <= LEAST_CALLS:
            must(
                refused_for < _CERTAINLY_OVER_S, f"{breaker.node.name} refused {breaker.service} for {refused_for:g} s"
            )
            raise ProbeError(f"{breaker.service} was not called at the end of its breaker's wait")
        return refused_for, seen[LEAST_CALLS].arrived - _ended(seen[LEAST_CALLS - 1])

    def _each_gateway(self, work: Callable[[list[_Breaker]], None]) -> None:
        pairs = self._breakers.values()
        with threads(len(self._world.nodes)) as pool:
            done = [pool.submit(work, [pair[place] for pair in pairs]) for place in range(len(self._world.nodes))]
        for one in done:
            one.result()


def _open(breakers: list[_Breaker]) -> None:
    for breaker in breakers:
        for number in range(LEAST_CALLS):
            breaker.node.call(breaker.service, f"prices/{number}")
        breaker.opened = time.time()


def _call_in_turn(breakers: list[_Breaker]) -> None:
    end = breakers[-1].opened + _GIVES_UP_S
    while time.time() < end and (waiting := [breaker for breaker in breakers if not breaker.let_through]):
        for breaker in waiting:
            if time.time() > breaker.opened + _ASKED_FROM_S:
                _call(breaker)
        time.sleep(0.005)


def _call(breaker: _Breaker) -> None:
    sent = time.time()
    if breaker.node.call(breaker.service, "stock").outcome is Outcome.NOT_ASKED:
        breaker.refused = sent
    else:
        breaker.let_through = True


def _alike(waits: Sequence[tuple[float, float]]) -> bool:
    """Whether all of them may have been equally long, by what is known of them: at least, and at most."""
    return max(at_least for at_least, _ in waits) <= min(at_most for _, at_most in waits)


def _by_chance(waits: Sequence[tuple[float, float]]) -> float:
    """How likely they are alike, at the most, if they are spread: what one took at least is within all the others."""
    known = [min(1.0, (at_most - at_least) / _SPREAD_S) for at_least, at_most in waits]
    return min(1.0, sum(prod(known[:place] + known[place + 1 :]) for place in range(len(known))))


def _ended(arrival: Arrival) -> float:
    return arrival.ended or arrival.arrived
