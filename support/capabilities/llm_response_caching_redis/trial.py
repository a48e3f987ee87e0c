"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.llm_response_caching_redis.calls import expect_own
from support.capabilities.llm_response_caching_redis.client import Outcome, Question
from support.capabilities.llm_response_caching_redis.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "asks through each gateway, and the provider counts it", lambda: _asks(world)
    yield "asks in pieces", lambda: _asks_in_pieces(world)
    yield "hears that a model is not there", lambda: _hears(world, "none", Outcome.REFUSED)
    yield "lets a document be forgotten", lambda: world.nodes[0].forget_document(world.customer, "a")
    yield "lets a model be forgotten", lambda: world.nodes[0].forget_model(world.customer, "small")
    yield "tells what was paid", lambda: world.nodes[0].figures(world.customer)
    yield "hangs up", lambda: world.nodes[1].begin(world.customer, world.new_question()).hang_up()


def _asks(world: World) -> None:
    for gateway in world.nodes:
        question = world.new_question()
        expect_own(world, world.customer, question, gateway.ask(world.customer, question))


def _asks_in_pieces(world: World) -> None:
    question = world.new_question()
    answer = world.nodes[0].stream(world.customer, question, with_usage=True)
    expect_own(world, world.customer, question, answer)


def _hears(world: World, model: str, outcome: Outcome) -> None:
    answer = world.nodes[0].ask(world.customer, Question(world.words("prices"), model))
    assert_that(answer.outcome, equal_to(outcome))
