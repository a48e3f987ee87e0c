"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.circuit_breaker_service_failures.client import Outcome, State
from support.capabilities.circuit_breaker_service_failures.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "calls a service through each gateway", lambda: _calls(world)
    yield "hears that a service has failed", lambda: _hears_of_failure(world)
    yield "hears that a service was not asked", lambda: world.open()
    yield "is told of the change of state", lambda: world.expect_transitions([State.CLOSED, State.OPEN])
    yield "hangs up", lambda: world.nodes[1].begin(world.service, "x").hang_up()


def _calls(world: World) -> None:
    for place in range(len(world.nodes)):
        assert_that(world.call(1, place)[0].reply.outcome, equal_to(Outcome.ANSWERED))
    world.expect_reached(len(world.nodes), len(world.nodes))


def _hears_of_failure(world: World) -> None:
    fault = world.arm("fails")
    assert_that(world.call(1, 1)[0].reply.outcome, equal_to(Outcome.FAILED))
    fault.heal()
