"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Alarm, Errand, Outcome, Pass
from support.capabilities.metrics_pipeline_prometheus.world import World
from support.promise import must


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    node, nowhere = world.nodes[0], "/" + world.fresh("page")
    yield "comes for everything that the shop has", lambda: _comes(world)
    yield "is refused without signing in", lambda: _expect(node.ask(Errand.ORDER, "x", Pass.NONE), Outcome.REFUSED)
    yield "glances at an order", lambda: _expect(node.glance("x"), Outcome.SERVED)
    yield (
        "asks for a page that is not there",
        lambda: _expect(node.wander("GET", nowhere), Outcome.NOT_THERE),
    )
    yield "closes the shop, and opens it", lambda: _closes(world)
    yield "waits for an answer", lambda: _expect(world.nodes[1].begin(Errand.LOOK, "x").answered(5), True)
    yield "hangs up", lambda: world.nodes[1].begin(Errand.LOOK, "x").hang_up()
    yield "tells what is scraped", lambda: must(node.exposition().text, "it tells nothing")
    yield "names every alarm", lambda: [world.nodes[0].alarm(alarm)["alertname"] for alarm in Alarm]


def _comes(world: World) -> None:
    for node in world.nodes:
        for errand in (Errand.ORDER, Errand.LOOK, Errand.EXPORT):
            _expect(node.ask(errand, "x"), Outcome.SERVED)


def _closes(world: World) -> None:
    node = world.nodes[0]
    node.maintain(True)
    try:
        _expect(node.ask(Errand.LOOK, "x"), Outcome.CLOSED)
    finally:
        node.maintain(False)
    _expect(node.ask(Errand.LOOK, "x"), Outcome.SERVED)


def _expect(got: object, wanted: object) -> None:
    assert_that(got, equal_to(wanted))
