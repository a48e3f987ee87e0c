"""Books that differ from the provider's, and what reconciliation finds."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Card, Finding
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.subscriptions import Subscriber
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_PAGE = 3


class Reconciliation:
    """Differences that were planted, and those that were found by each node in each run."""

    def __init__(self, world: "World") -> None:
        self._world = world
        # The provider's moments are whole seconds: what others have paid in this one is not to be found.
        self._since = int(time.time()) + 1
        time.sleep(self._since - time.time())
        self._planted: list[Finding] = []
        self.found: list[list[Finding]] = []
        self._back: tuple[Bill, Bill]
        self._ended: Subscriber

    def plant(self, kinds: list[str], count: int) -> None:
        """One difference of each kind among `count` payments, several pages of the provider's; no event tells of it."""
        self._world.provider.settings(max_page=_PAGE)
        for _ in range(count - len(kinds)):
            self._pay_one()
        for kind in kinds:
            self._pay_one()
            self._planted.append(Finding(kind, self._differ(kind)))

    def add_others(self) -> None:
        """Payments, refunds, disputes and subscriptions of every other kind, of which no event tells.

        Both books have the same of them, or ours will as soon as it is looked up; the last subscription has no answer.
        """
        world = self._world
        world.provider.hold_events()
        for card in (Card.DECLINED, Card.TO_BE_CONFIRMED, Card.DECIDED_LATER):
            world.pay(world.place(Decimal("19.99"), "USD"), world.nodes[0], card)
        self._back = world.refunds.go_back_elsewhere()
        self._ended = world.subscriptions.end_on_the_page()
        world.subscriptions.fail_to_renew(self._since)
        world.subscriptions.leave_waiting("basic", "hold_after")

    def run(self) -> None:
        """Both nodes reconcile at the same time, and then one again."""
        nodes = self._world.nodes
        with threads(len(nodes)) as pool:
            self.found = list(pool.map(lambda node: node.reconcile(self._since), nodes))
        self.found.append(nodes[0].reconcile(self._since))

    def expect_found(self) -> None:
        """Every run found what was planted and nothing else; the platform keeps it once. AssertionError if not."""
        found = [sorted(run) for run in self.found]
        assert_that(found, equal_to([sorted(self._planted)] * len(found)), "what each run found")
        own = {bill.order.id for bill in self._world.bills} | {finding.order for finding in self._planted}
        kept = sorted(one for order in own for one in self._world.books.findings(order))
        assert_that(kept, equal_to(sorted(self._planted)), "what the platform keeps")

    def expect_others_settled(self) -> None:
        """What no event had told of is known by now. AssertionError if it is not."""
        if self._world.webhooks.late:
            self._world.expect_settled(self._world.webhooks.late, 0)
        self._world.refunds.expect_back_elsewhere(self._back, 0)
        self._world.subscriptions.expect_ended(self._ended, 0)

    def _pay_one(self) -> None:
        bill = self._world.place(Decimal("19.99"), "USD")
        self._world.expect_told_after_paying(bill)

    def _differ(self, kind: str) -> str:
        """Lets the order that was paid last differ; returns its id, or that of the order that only the provider has."""
        world, provider = self._world, self._world.provider
        world.bank.hear_out()  # a node that hears of the payment later looks it up, and finds what is planted here
        intent = world.bank.intent_of(world.bill)
        extra = {"amount": 1999, "currency": "usd", "metadata": {"order": world.fresh("order")}}
        differ: dict[str, Callable[[], object]] = {
            "missing": lambda: provider.plant(remove=intent),
            "extra": lambda: provider.plant(add=extra),
            "amount": lambda: provider.plant(change=intent, set={"amount": 2000}),
            "currency": lambda: provider.plant(change=intent, set={"currency": "eur"}),
            "status": lambda: provider.plant(change=intent, set={"status": "canceled"}),
        }
        differ[kind]()
        return str(extra["metadata"]["order"]) if kind == "extra" else world.bill.order.id  # type: ignore[index]
