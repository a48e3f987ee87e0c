"""Everything that is asked of the provider, while it is too busy, loses its answer or answers by an error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to, not_none

from support.capabilities.payment_gateway_sandbox.client import Card, Money, Outcome
from support.capabilities.payment_gateway_sandbox.moments import CHARGING, GIVING_BACK, SUBSCRIBING
from support.capabilities.payment_gateway_sandbox.subscriptions import Subscriber
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import World

# What becomes of a request: it is not carried out, or is and the platform is not told.
_TROUBLES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "too busy": ("status", {"status": 429, "when": "before"}),
    "lost answer": ("drop_after", {}),
    "error": ("status", {"status": 500, "when": "after"}),
}
_CHANGING = {"method": "POST", "path": "/v1/subscriptions/*"}
_PAID, _BACK = Money(Decimal("100.00"), "USD"), Money(Decimal("40.00"), "USD")
_KNOWN_WITHIN_S = 10.0
_UNKNOWN = (Outcome.NOT_KNOWN, Outcome.UNAVAILABLE)


@dataclass(frozen=True)
class Deed:
    """Something that is asked for: by which request the provider hears of it, and how it is seen to be done once."""

    request: Mapping[str, str]
    ask: Callable[[], Outcome]
    expect_done: Callable[[], None]
    again: bool = True  # whoever asks for it may ask again


class Troubles:
    """Each deed, met by each trouble."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._node = turns(world.nodes)
        self._deeds: list[tuple[str, Deed, str]] = []
        self.told: dict[str, Outcome] = {}

    def do(self, names: Sequence[str]) -> None:
        """Each of these is asked for until it is known, and met by each trouble once. Raises FaultError."""
        kinds: dict[str, Callable[[], Deed]] = {
            "an order is paid": self._payment,
            "money is given back": self._refund,
            "somebody subscribes": self._subscription,
            "somebody changes their plan": self._change,
            "somebody cancels": self._cancellation,
        }
        self._deeds = [(name, kinds[name](), trouble) for name, trouble in product(names, _TROUBLES)]
        for_each(self._deeds, lambda one: self._ask(*one), at_once=5)

    def expect_done(self) -> None:
        """Each was told to be done, where it was known by then, and was done once. AssertionError if not."""
        for name, deed, trouble in self._deeds:
            what = f"{name}, {trouble}"
            wanted = Outcome.DONE if deed.again or self.told[what] not in _UNKNOWN else self.told[what]
            assert_that(self.told[what], equal_to(wanted), f"what was told: {what}")
        for _, deed, _ in self._deeds:
            deed.expect_done()

    def _ask(self, name: str, deed: Deed, trouble: str) -> None:
        do, how = _TROUBLES[trouble]
        fault = self._world.provider.arm(do, match=deed.request, **how)
        what = f"{name}, {trouble}"

        def is_known() -> bool:
            self.told[what] = deed.ask()
            return self.told[what] not in _UNKNOWN or not deed.again

        poll(is_known, _KNOWN_WITHIN_S, 0.2)
        fault.await_hits()

    def _payment(self) -> Deed:
        bill = self._world.place(Decimal("19.99"), "USD")
        return Deed(
            {**CHARGING, "order": bill.order.id},
            lambda: self._world.pay(bill, next(self._node)).outcome,
            lambda: self._world.expect_charged_once(bill),
        )

    def _refund(self) -> Deed:
        bill = self._world.refunds.pay(_PAID)

        def expect_back() -> None:
            self._world.refunds.expect_refunded(_BACK, _KNOWN_WITHIN_S, bill)
            self._world.refunds.expect_back(_BACK, bill)

        request = {**GIVING_BACK, "order": bill.order.id}
        return Deed(request, lambda: next(self._node).refund(bill.order.id, _BACK).outcome, expect_back, again=False)

    def _subscription(self) -> Deed:
        one = Subscriber(self._world.fresh("subscriber"), "basic")
        return Deed(
            SUBSCRIBING,
            lambda: next(self._node).subscribe(one.name, "basic", Card.GOOD.value).outcome,
            lambda: self._world.subscriptions.expect_bill(one, Decimal("30.00")),
        )

    def _change(self) -> Deed:
        one = self._world.subscriptions.subscribed("basic")
        quote = self._world.nodes[0].quote(one.name, "team")
        return Deed(
            {**_CHANGING, "customer": one.id},
            lambda: next(self._node).change(one.name, "team", quote).outcome,
            lambda: self._world.subscriptions.expect_bill(one, Decimal("30.00") + quote.due.amount, "team"),
        )

    def _cancellation(self) -> Deed:
        one = self._world.subscriptions.subscribed("basic")

        def expect_end() -> None:
            assert_that(self._world.subscriptions.end_of(one), not_none(), "the end of it, by the provider")
            self._world.subscriptions.expect_bill(one, Decimal("30.00"))

        request = {**_CHANGING, "customer": one.id}
        return Deed(request, lambda: next(self._node).cancel(one.name).outcome, expect_end)
