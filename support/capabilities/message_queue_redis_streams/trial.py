"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.message_queue_redis_streams.client import Answer, Kind
from support.capabilities.message_queue_redis_streams.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "publishes through each producer, and the provider sees it", lambda: _publishes(world)
    yield "finds the stream and its consumer group in Redis", lambda: world.expect_nothing_left(5)
    yield "hears that a message is too large", lambda: _hears(world, Answer.TOO_LARGE)
    yield "hears the same of one that comes in pieces", lambda: _hears_of_pieces(world)
    yield "keeps what is no JSON as a dead letter", lambda: _keeps(world)
    yield "redrives a dead letter that is not there", lambda: _finds_none(world)


def _publishes(world: World) -> None:
    world.publish_line(world.customer(), len(world.producers))
    world.expect_done(5)


def _hears(world: World, answer: Answer) -> None:
    assert_that(world.publish(world.mistakes.large(1)), equal_to(answer))


def _hears_of_pieces(world: World) -> None:
    message, producer = world.mistakes.large(1), world.producers[0]
    heard = producer.publish_in_pieces(message.key, message.id, world.payload(message))
    assert_that(heard, equal_to(Answer.TOO_LARGE))


def _keeps(world: World) -> None:
    message = world.new()
    assert_that(world.publish(message, 0, Kind.NO_JSON), equal_to(Answer.ACCEPTED))
    world.dead_letters.expect_whole(world.dead_letters.of(message, 5), message, Kind.NO_JSON)


def _finds_none(world: World) -> None:
    assert_that(world.producers[0].redrive(world.fresh("message")), equal_to(False))
