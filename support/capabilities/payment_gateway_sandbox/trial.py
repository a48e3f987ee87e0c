"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Card, Money, Outcome
from support.capabilities.payment_gateway_sandbox.world import World

_SETTLED_WITHIN_S = 5.0


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "orders at each node, and is told what it costs", lambda: _orders(world)
    yield "is told that a card is declined", lambda: _is_declined(world)
    yield "pays, and the books have it", lambda: _pays(world)
    yield "refunds as an operator", lambda: _refunds(world)
    yield "hears from the provider that a payment was decided", lambda: _hears(world)
    yield "subscribes, and has access", lambda: world.subscriptions.begin("2026-01-01", "basic")
    yield "reconciles, and finds nothing", lambda: _finds_nothing(world)


def _orders(world: World) -> None:
    for node in range(len(world.nodes)):
        bill = world.place(Decimal("19.99"), "USD", node)
        assert_that(bill.order.cost, equal_to(Money(Decimal("19.99"), "USD")))


def _is_declined(world: World) -> None:
    assert_that(world.pay(world.bill, world.nodes[0], Card.DECLINED).outcome, equal_to(Outcome.DECLINED))


def _pays(world: World) -> None:
    world.expect_told_after_paying(world.bill)
    world.expect_settled(world.bill, 0)


def _refunds(world: World) -> None:
    answer = world.nodes[1].refund(world.bill.order.id, Money(Decimal("5.00"), "USD"))
    assert_that(answer.outcome, equal_to(Outcome.DONE))
    world.expect_agreement()


def _hears(world: World) -> None:
    bill = world.webhooks.prepare()
    world.provider.let_events_go()
    world.expect_settled(bill, _SETTLED_WITHIN_S)


def _finds_nothing(world: World) -> None:
    world.reconciliation.run()
    world.reconciliation.expect_found()
