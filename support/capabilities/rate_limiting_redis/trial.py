"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.rate_limiting_redis.client import Customer, Resource, Verdict
from support.capabilities.rate_limiting_redis.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    world.customer("ada", "free")
    yield "lets a customer in at each gateway, and the API counts it", lambda: _lets_in(world)
    yield "tells a customer who has used up everything to wait", lambda: _tells_to_wait(world)
    yield "shows the catalogue", lambda: _answers(world, Resource.CATALOGUE, "pro", Verdict.ADMITTED)
    yield (
        "refuses a plan that nobody knows",
        lambda: _answers(world, Resource.ORDERS, "platinum", Verdict.UNAUTHENTICATED),
    )


def _lets_in(world: World) -> None:
    world.call_in_turn("ada", len(world.nodes))
    world.expect_admitted("ada", len(world.nodes))


def _tells_to_wait(world: World) -> None:
    world.call_in_turn("ada", 11)
    assert_that(world.calls["ada"][-1].answer.verdict, equal_to(Verdict.LIMITED))


def _answers(world: World, resource: Resource, plan: str, verdict: Verdict) -> None:
    answer = world.nodes[0].call(Customer(world.fresh("customer"), plan), resource, world.fresh("call"))
    assert_that(answer.verdict, equal_to(verdict))
