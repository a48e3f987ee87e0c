"""A few calls that show that an adapter does its part."""

from collections.abc import Callable, Iterator

from support.capabilities.rate_limiting_redis.client import Adapter, Customer, Verdict
from support.capabilities.rate_limiting_redis.world import World
from support.promise import must


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """A customer on the free plan uses up all ten calls at one gateway, and asks for one more at another."""
    customer = Customer(world.fresh("trial"), "free")
    first, second = world.nodes[0], world.nodes[-1]
    yield "lets in a customer who has calls left", lambda: _expect(first, customer, 10, Verdict.ADMITTED)
    yield "tells one who has none left to wait", lambda: _expect(second, customer, 1, Verdict.LIMITED)


def _expect(gateway: Adapter, customer: Customer, cost: int, verdict: Verdict) -> None:
    answer = gateway.call(customer, customer.name, cost)
    must(answer.verdict is verdict, f"expected {gateway.name} to say {verdict}, got {answer}")
