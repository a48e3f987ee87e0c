"""Sentences of rate limits."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


@given("two gateways in front of the API")
def gateways_in_front(context: Context) -> None:
    context.world.expect_nodes_well()


@given("{name:w}, a new customer on the {plan:w} plan")
def new_customer(context: Context, name: str, plan: str) -> None:
    context.world.customer(name, plan)


@given("{name:w} has made {count:Count} calls at once")
@when("{name:w} makes {count:Count} calls at once, through both gateways in turn")
def call_at_once(context: Context, name: str, count: int) -> None:
    context.world.call_at_once(name, count)


@when("{name:w} makes a call every {pause:Duration} for {time:Duration}, through both gateways in turn")
def call_steadily(context: Context, name: str, pause: float, time: float) -> None:
    context.world.call_steadily(name, pause, time)


@then("exactly {count:Count} calls of {name:w} get through to the API")
def exactly_so_many(context: Context, count: int, name: str) -> None:
    context.world.expect_admitted(name, count)


@then(
    "in no window of {window:Duration} did more than {limit:Count} calls of {name:w} get through, "
    "and none was refused that would have fitted"
)
def limit_kept(context: Context, window: float, limit: int, name: str) -> None:
    context.world.expect_limit_kept(name, limit, window)
