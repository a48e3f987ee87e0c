"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.auth_jwt_redis_session.client import Event, Verdict
from support.capabilities.auth_jwt_redis_session.world import World

_PHONE = "ada's phone"


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "signs a customer in, whom every node knows then", lambda: _signs_in(world)
    yield "refuses a token that is none", lambda: _refuses(world)
    yield "refreshes the tokens", lambda: world.expect_refreshes(_PHONE)
    yield "tells the account's history", lambda: world.expect_event(_PHONE, Event.SIGNED_IN, 1)
    yield "changes a password", lambda: world.change_password("ada", "phone")
    yield "signs out", lambda: _signs_out(world)
    yield "ends sessions by a decision of support", lambda: _expels(world)


def _signs_in(world: World) -> None:
    world.sign_in("ada", "phone")
    world.expect_signed_in(_PHONE)


def _refuses(world: World) -> None:
    assert_that(world.gateways[0].call("nonsense").verdict, equal_to(Verdict.UNAUTHENTICATED))


def _signs_out(world: World) -> None:
    world.sign_in("ada", "phone")
    world.endings.sign_out(_PHONE)
    world.expect_signed_out(_PHONE, within_s=1)


def _expels(world: World) -> None:
    world.sign_in("ada", "phone")
    world.endings.expel("ada")
    world.expect_signed_out(_PHONE, within_s=1)
