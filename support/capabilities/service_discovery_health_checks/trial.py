"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to, greater_than

from support.capabilities.service_discovery_health_checks.client import SERVICE, Health, Outcome, Way
from support.capabilities.service_discovery_health_checks.world import World

_LABEL = "trial"


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "sees both gateways call every instance", world.expect_ready
    yield "calls by each way", lambda: _calls(world)
    yield "reads what an instance was given", lambda: _reads(world)
    yield "tells an instance to answer checks by a warning", lambda: world.instances[0].answer_checks(Health.WARNING)
    yield "and that it is well again", lambda: world.instances[0].answer_checks(Health.WELL)


def _calls(world: World) -> None:
    heard = [world.gateways[0].call(SERVICE, _LABEL, way=way).outcome for way in Way]
    assert_that(heard, equal_to([Outcome.ANSWERED] * len(Way)))


def _reads(world: World) -> None:
    given = [call for one in world.instances for call in one.calls() if call.label == _LABEL]
    assert_that(len(given), equal_to(len(Way)), "calls")
    assert_that(len(world.instances[0].checks()), greater_than(0), "checks")
