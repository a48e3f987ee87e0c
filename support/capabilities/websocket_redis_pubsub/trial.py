"""Whether an adapter does its part for live updates: small exchanges with the whole fleet."""

from collections.abc import Callable, Iterator

from support.capabilities.websocket_redis_pubsub.client import Refusal
from support.capabilities.websocket_redis_pubsub.subscriber import update_of
from support.capabilities.websocket_redis_pubsub.world import World
from support.polling import poll
from support.promise import must


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the exchange, which raises when it goes wrong."""
    first, second = world.gateways[0], world.gateways[-1]
    ada = world.newcomer("ada", world.channel)
    yield "refuses a connection without a session", lambda: _refused(first.enter(None), Refusal.UNAUTHENTICATED)
    yield "connects a user", lambda: ada.connect(first)
    yield "watches a channel", lambda: ada.watch(world.channel)
    yield "refuses to show the channel of another", lambda: _refused(first.look(ada.session, "x"), Refusal.FORBIDDEN)
    yield "publishes as a backend", lambda: world.publish(1, through=[second])
    yield "publishes as a user", lambda: ada.publish(world.channel, update_of(0))
    yield "tells a user of updates", lambda: _told(world, 2)
    yield "replays what was missed", lambda: _missed(world)
    yield "shows who is present", lambda: world.expect_present(world.channel, {"ada": 1}, within_s=2)
    yield "counts what a gateway holds", first.counts
    yield "ends a session", lambda: world.log_out(ada.session, second)


def _refused(outcome: object, expected: Refusal) -> None:
    must(outcome is expected, f"expected the refusal that {expected.value}, got {outcome}")


def _told(world: World, count: int) -> None:
    (ada,) = world.subscribers
    poll(lambda: len(world.serials_of(ada)) >= count, within_s=2)
    must(len(world.serials_of(ada)) == count, f"expected {count} updates, got {world.serials_of(ada)}")


def _missed(world: World) -> None:
    (ada,) = world.subscribers
    ada.drop()
    world.publish(1)
    ada.connect(world.gateways[-1])
    _told(world, 3)
