"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator

from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Outcome, Session
from support.capabilities.database_transaction_coordination.differences import NOTHING
from support.capabilities.database_transaction_coordination.world import World

_ARRIVES_WITHIN_S = 5.0


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "opens an account at each node, with a session", lambda: world.open_accounts(2)
    yield "is refused a charge without a session", lambda: _is_refused_without_a_session(world)
    yield "books a charge and a refund, which the books have", lambda: _books(world)
    yield "is told the balance, which is that of the books", lambda: _is_told_the_balance(world)
    yield "sees in analytics what was booked", lambda: world.expect_shown(_ARRIVES_WITHIN_S)
    yield "is told by each node what waits, what was put aside, and whether there is an alert", lambda: _is_told(world)
    yield "changes rows of analytics, and has them set right", lambda: _has_them_set_right(world)


def _is_refused_without_a_session(world: World) -> None:
    assert_that(world.nodes[0].charge(Session(""), world.bill()), equal_to(Outcome.UNAUTHENTICATED))


def _books(world: World) -> None:
    paid = world.bill(world.accounts[0], cents=1_000)
    world.book_one(paid, node=0)
    world.book_one(world.bill(paid.account, cents=-50), node=1)
    assert_that(world.books.bookings(), equal_to(world.booked))


def _is_told_the_balance(world: World) -> None:
    for node in world.nodes:
        assert_that(node.balance(world.session, world.accounts[0]), equal_to(950))
    world.expect_balances()


def _is_told(world: World) -> None:
    for node in world.nodes:
        assert_that((node.waiting(), node.put_aside(world.session), node.alert_is_raised()), equal_to((0, {}, False)))


def _has_them_set_right(world: World) -> None:
    paid = world.booked[0]
    world.analytics.show(paid.reference, "cents", paid.cents + 1)
    report = world.nodes[0].reconcile(world.session)
    assert_that(report, equal_to(NOTHING._replace(differing=[world.books.ids()[paid.reference]])))
    world.expect_shown(within_s=0)
