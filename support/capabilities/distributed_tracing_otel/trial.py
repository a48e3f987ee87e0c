"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from support.capabilities.distributed_tracing_otel.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "places an order at the gateway", lambda: world.taken(world.place())
    yield "places one on a line", lambda: world.place_on_line()
    yield "places one at the service", lambda: world.callers.order_in_trace("01")
    yield "looks at something through each gateway", lambda: _looks(world)
    yield "knows the attributes' names", lambda: world.names()
    yield "tells how many spans were lost", lambda: world.at("service").lost()


def _looks(world: World) -> None:
    for role in ("gateway", "busy gateway", "service", "small service"):
        world.taken(world.at(role).look(world.new_order()))
