"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.rate_limiting_redis.client import Answer, Customer, Resource, Verdict
from support.capabilities.rate_limiting_redis.world import World
from support.worlds.trial import Understood

_ITEMS = 3


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try, which returns what was understood; one rests on those before it."""
    world.customer("ada", "free")
    yield "lets a customer in at each gateway, and the API counts it", lambda: _lets_in(world)
    yield "tells a customer who has used up everything to wait", lambda: _tells_to_wait(world)
    yield "shows the catalogue", lambda: _answers(world, Verdict.ADMITTED, resource=Resource.CATALOGUE)
    yield f"counts {_ITEMS} items", lambda: _answers(world, Verdict.ADMITTED, items=str(_ITEMS))
    yield "refuses no items", lambda: _answers(world, Verdict.INVALID, items="0")
    yield "refuses a plan that nobody knows", lambda: _answers(world, Verdict.UNAUTHENTICATED, plan="platinum")
    yield "answers a caller without an account", lambda: _answers_without_account(world)


def _lets_in(world: World) -> Understood:
    world.call_in_turn("ada", len(world.nodes))
    world.expect_admitted("ada", len(world.nodes))
    return _understood(world.calls["ada"][-1].answer)


def _tells_to_wait(world: World) -> Understood:
    world.call_in_turn("ada", 11)
    answer = world.calls["ada"][-1].answer
    assert_that(answer.verdict, equal_to(Verdict.LIMITED))
    return _understood(answer)


def _answers(
    world: World, verdict: Verdict, plan: str = "pro", resource: Resource = Resource.ORDERS, items: str = "1"
) -> Understood:
    customer = Customer(world.fresh("customer"), plan)
    answer = world.nodes[0].call(customer, resource, world.fresh("call"), items)
    assert_that(answer.verdict, equal_to(verdict))
    return _understood(answer)


def _answers_without_account(world: World) -> Understood:
    """Whether they are let in is for scenarios to judge."""
    came_by = ["203.0.113.7", "198.51.100.7"]  # of networks for documentation (RFC 5737)
    answer = world.nodes[-1].call_without_account(came_by, Resource.CATALOGUE, world.fresh("call"))
    return _understood(answer)


def _understood(answer: Answer) -> Understood:
    """What the adapter has read in an answer, times in seconds, and what it has not."""
    told = {
        "limit": answer.limit,
        "window": answer.window_s,
        "left": answer.remaining,
        "more in": answer.more_in_s,
        "ask again in": answer.retry_after_s,
    }
    read = [f"{name} {value}" for name, value in told.items() if value is not None]
    unsaid = [name for name, value in told.items() if value is None]
    parts = [answer.verdict.name, ", ".join(read), f"not told: {', '.join(unsaid)}" if unsaid else ""]
    return Understood("; ".join(filter(None, parts)))
