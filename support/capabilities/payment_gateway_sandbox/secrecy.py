"""What must be nowhere: not in a log of any node, not in a row of any table."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.capabilities.payment_gateway_sandbox.client import Card, Money

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import World

# The card that every integration is tried with (docs.stripe.com/testing), as machines and as people write it.
_NUMBERS = {
    "a card's number": "4242424242424242",
    "a card's number in groups": "4242 4242 4242 4242",
    "a card's number with hyphens": "4242-4242-4242-4242",
}
_TYPED: Sequence[str | int] = [*_NUMBERS.values(), int(_NUMBERS["a card's number"])]
_LINES = 100_000


class Secrecy:
    """Secrets that the platform has had to do with in a scenario."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def use_all(self) -> None:
        """Payments that go well and badly, with a card's number by mistake too, a refund, a dispute, forged events."""
        world = self._world
        bill = world.webhooks.prepare()
        world.webhooks.forge(["somebody else's secret signed it", "its signature has letters beyond ASCII"])
        world.provider.let_events_go()
        world.expect_settled(bill, 5)
        for node in world.nodes:
            node.refund(bill.order.id, Money(Decimal("1.00"), "USD"))
            other = world.place(Decimal("19.99"), "USD")
            for number in _TYPED:
                node.pay(world.customer, other.order.id, number)
                node.subscribe(world.customer, "basic", number)
            node.subscribe(world.customer, _NUMBERS["a card's number"], Card.GOOD.value)
            world.pay(other, node, Card.EXPIRED)

    def expect_nowhere(self) -> None:
        """None of them is in a log or in a table, of this scenario or of those before. AssertionError with where."""
        world, node = self._world, self._world.nodes[0]
        secrets = {"the provider's key": node.api_key, **_NUMBERS}
        secrets |= {f"webhook secret {number}": one for number, one in enumerate(node.webhook_secrets, 1)}
        intent = world.provider.object(world.bank.intent_of(world.bills[0]))
        secrets["a payment's client secret"] = intent["client_secret"]
        found = [
            f"{what} in the log of {service.name}"
            for service in world.fleet.nodes
            for what in _in(secrets, service.last_lines(_LINES))
        ]
        found += [
            f"{what} in the table {row.partition(':')[0]}"
            for row in world.books.everything()
            for what in _in(secrets, row)
        ]
        assert_that(sorted(set(found)), empty(), "secrets that were found")


def _in(secrets: Mapping[str, str], text: str) -> list[str]:
    return [what for what, secret in secrets.items() if secret in text]
