"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.background_jobs_redis_queue.client import Job, Mistake, Outcome, State
from support.capabilities.background_jobs_redis_queue.world import World


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "has a job done, and tells that it is", lambda: _has_one_done(world)
    yield "places an order, which is confirmed", lambda: _has_one_confirmed(world)
    yield "takes a job back", lambda: _takes_back(world)
    yield "refuses a job of a kind that there is not", lambda: _refuses(world)


def _has_one_done(world: World) -> None:
    world.hand_in(Job(world.label()))
    world.expect_done()
    assert_that(world.servers[1].report(world.ids[world.labels[0]]).state, equal_to(State.DONE))


def _has_one_confirmed(world: World) -> None:
    world.orders.place(1)
    world.expect_done()


def _takes_back(world: World) -> None:
    world.schedules.hand_in(1, delay_s=60)
    assert_that(world.servers[1].cancel(world.ids[world.labels[-1]]), equal_to(True))


def _refuses(world: World) -> None:
    said = world.servers[0].offer(Mistake.UNKNOWN_KIND, world.fresh("bad"))
    assert_that(said.outcome, equal_to(Outcome.REFUSED))
