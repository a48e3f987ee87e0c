"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from support.capabilities.distributed_tracing_otel.tree import ARRIVES_WITHIN_S
from support.capabilities.distributed_tracing_otel.world import World
from support.promise import must


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    since = world.partner.mark()
    yield "places an order at the gateway", lambda: world.taken(world.place())
    yield "places one on a line", lambda: world.place_on_line()
    yield "places one at the service", lambda: world.callers.order_in_trace("01")
    yield "looks at something through each gateway", lambda: _looks(world)
    yield "knows the attributes' names", lambda: world.names()
    yield "tells how many spans were lost", lambda: world.at("service").lost()
    yield "ships all that was ordered", lambda: _ships(world, 4, since)


def _ships(world: World, count: int, since: int) -> None:
    """Once the partner is asked for a shipment its steps have begun: none begins in a scenario after this."""
    asked = world.partner.await_arrivals(count, ARRIVES_WITHIN_S, since, method="POST")
    must(len(asked) >= count, f"the partner was asked for {len(asked)} of {count} shipments")


def _looks(world: World) -> None:
    for role in ("gateway", "busy gateway", "service", "small service"):
        world.taken(world.at(role).look(world.new_order()))
