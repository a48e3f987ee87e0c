"""The provider's events as they should not come: forged, senseless, many times, in any order, at a bad moment."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, empty, equal_to

from support.capabilities.payment_gateway_sandbox.client import Card, Money
from support.clients.payment_sandbox_control import Attempt, Endpoint, Object, saying
from support.containers.platform import Node
from support.polling import poll
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.subscriptions import Subscriber
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_FORGERIES: dict[str, dict[str, Any]] = {
    "it has no signature": {"sign": "none"},
    "somebody else's secret signed it": {"sign": "other"},
    "an empty secret signed it": {"sign": "empty"},
    "it has a signature of the old scheme only": {"sign": "v0"},
    "it was signed 301 seconds ago": {"sign": {"offset_s": -301}},
    "it was signed for an hour from now": {"sign": {"offset_s": 3600}},
    "one byte was changed after it was signed": {"flip_byte": 20},
    "its signature has letters beyond ASCII": {"sign": "nonascii"},
}
_PAID = "payment_intent.succeeded"
_WITH_EFFECT = (_PAID, "refund.created", "charge.dispute.created", "customer.subscription.deleted")


def _claim(**members: Any) -> dict[str, Any]:
    return {"patch": saying(_PAID, status="succeeded", **members)}


_NONSENSE: dict[str, dict[str, Any]] = {
    "null": {"raw": "null"},
    "a number": {"raw": "5"},
    "a list": {"raw": "[1]"},
    "an empty object": {"raw": "{}"},
    "no JSON": {"raw": "paid"},
    "an event without data": {"patch": {"data": None}},
    "an event of a kind that nobody knows": {"patch": saying("payment_intent.blessed")},
    "an event about a payment that nobody knows": _claim(id="pi_nobody", metadata={}),
    "an event of the live world": {"patch": {**_claim()["patch"], "livemode": True}},
    "an event that 0.01 USD was paid": _claim(amount=1, amount_received=1),
    "an event that the amount was paid in yen": _claim(currency="jpy"),
}
_ORPHAN = "node-without-a-secret-1"
_TRIES = 40


class Webhooks:
    """Deliveries of the scenario's events; `attempts` are those that the scenario made itself."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._names = [node.name for node in world.nodes]
        self.attempts: dict[str, list[Attempt]] = {}
        self.late: Bill | None = None  # the order of which events come late, or never
        self._back: tuple[Bill, Bill]
        self._ended: Subscriber

    @property
    def paid(self) -> Object:
        """The event that the order is paid, which is held."""
        return self._world.bank.told_of(self._world.bill, "payment_intent.succeeded")

    def prepare(self) -> "Bill":
        """An order whose payment the bank has decided, and no node has heard of that."""
        bill = self._world.place(Decimal("19.99"), "USD")
        self._world.bank.begin(bill)
        self._world.bank.decide(bill)
        return bill

    def prepare_others(self) -> None:
        """A refund on the provider's page, a dispute, and the end of a subscription; no node has heard of them."""
        self._world.provider.hold_events()
        self._back = self._world.refunds.go_back_elsewhere()
        self._ended = self._world.subscriptions.end_on_the_page()

    def expect_others_known(self, within_s: float) -> None:
        """Within `within_s` each time the platform knows of them. AssertionError if it does not."""
        self._world.refunds.expect_back_elsewhere(self._back, within_s)
        self._world.subscriptions.expect_ended(self._ended, within_s)

    def deliver_again(self, times: int) -> None:
        """The event that the order is paid, to both nodes in turn, all at once."""
        self.attempts = {"": self._world.provider.deliver(self.paid["id"], self._names, times)}

    def forge(self, kinds: list[str]) -> None:
        """The same event, to both nodes, forged in each of these ways."""
        event = self.paid["id"]
        for kind in kinds:
            self.attempts[kind] = self._world.provider.deliver(event, self._names, 2, **_FORGERIES[kind])

    def expect_refused(self) -> None:
        """Each was refused for good, by both nodes. AssertionError with the others."""
        others = {kind: _shown(those) for kind, those in self.attempts.items() if not all(o.refused for o in those)}
        assert_that(others, equal_to({}), "forged events that were not refused, with the answers")

    def talk_nonsense(self, kinds: list[str]) -> None:
        """Rightly signed, to both nodes, about an order whose payment is not decided."""
        event = self._world.bank.told_of(self._world.bill, "payment_intent.created")["id"]
        for number, kind in enumerate(kinds):
            said = dict(_NONSENSE[kind])
            if "patch" in said:
                said["patch"] = {**said["patch"], "id": f"{event}{number}"}
            self.attempts[kind] = self._world.provider.deliver(event, self._names, 2, **said)

    def expect_no_error(self) -> None:
        """None was answered by an error of the node's own, or not at all. AssertionError with those that were."""
        broke = {kind: _shown(those) for kind, those in self.attempts.items() if any(o.failed for o in those)}
        assert_that(broke, equal_to({}), "events that a node could not stand, with the answers")

    def expect_taken(self) -> None:
        """Each was taken. AssertionError with the others."""
        refused = [_shown(those) for those in self.attempts.values() if not all(one.taken for one in those)]
        assert_that(refused, empty(), "deliveries that were not taken")

    def replace_secret(self) -> None:
        """Three orders are decided while events are signed by the old secret, by the new one, and by both."""
        new, old = self._world.nodes[0].webhook_secrets
        for secrets in ([old], [new], [new, old]):
            self._world.send_webhooks(secrets)
            bill = self.prepare()
            event = self._world.bank.told_of(bill, "payment_intent.succeeded")["id"]
            self.attempts[f"{len(secrets)}"] = self._world.provider.deliver(event, self._names, 2)

    def expect_all_paid(self, within_s: float) -> None:
        """All orders count as paid. AssertionError with those that do not."""
        poll(lambda: not self._unpaid(), within_s)
        assert_that(self._unpaid(), empty(), f"orders that do not count as paid after {within_s:g} s")

    def expect_none_paid(self) -> None:
        """No order counts as paid. AssertionError with those that do."""
        paid = [bill.order.id for bill in self._world.bills if self._world.books.settled(bill.order.id)]
        assert_that(paid, empty(), "orders that count as paid")

    def start_node_without_secret(self) -> None:
        """A node that was told no secret starts, and is given the event; signed by nothing, and as others know it."""
        orphan = self._world.fleet.command(_ORPHAN, [])
        self._world.opened(orphan)
        orphan.start()
        node = self._world.nodes[0]
        url = node.webhooks_at(f"http://{_ORPHAN}:{Node.port}")
        self._world.provider.send_webhooks_to(Endpoint(_ORPHAN, url, node.webhook_secrets[:1]))
        poll(lambda: orphan.has_ended() or self._knock("none")[0].status is not None, 10, 0.2)
        self.attempts = {sign: self._knock(sign) for sign in ("none", "empty", "ok")}

    def expect_none_taken(self) -> None:
        """No delivery was taken. AssertionError with those that were."""
        taken = {kind: _shown(those) for kind, those in self.attempts.items() if any(one.taken for one in those)}
        assert_that(taken, equal_to({}), "deliveries that were taken")

    def deliver_in_every_order(self) -> None:
        """For each order of arrival of four events a new order, paid by card and refunded in part on the page.

        Each event comes twice at the same time, once to each node.
        """
        self._world.provider.hold_events()
        arrivals = list(
            permutations(("charge.succeeded", "payment_intent.succeeded", "refund.created", "charge.refunded"))
        )
        for_each(arrivals, self._deliver_in_order, at_once=4)

    def expect_all_refunded(self, money: Money) -> None:
        """Of every order so much came back, by the books. AssertionError with those of which it did not."""
        key = ("refund", money.currency)
        moved = {bill.order.id: self._world.books.moved(bill.order.id)[key] for bill in self._world.bills}
        assert_that(moved, equal_to(dict.fromkeys(moved, -money.minor)), "refunds of each order, by the books")

    # At a bad moment

    def redeliver_often(self) -> None:
        """What is not taken comes again every 0.3 s, for 12 s."""
        self._world.provider.settings(retry_s=[0.3] * _TRIES)

    def send(self) -> None:
        """All that is held goes out at once; what is taken of it, though it cannot have its effect, is kept."""
        held = [event["id"] for event in self._world.provider.held_events()]
        first = self._world.provider.release_events([held], self._names)
        self.attempts = {
            one.type: [other for other in first if other.type == one.type]
            for one in first
            if one.taken and one.type in _WITH_EFFECT
        }

    def kill_while_it_is_taken(self, name: str) -> None:
        """The node dies when it has the event and cannot write what follows; what it took it will not get again."""
        books, event = self._world.books, self.paid["id"]
        with ThreadPoolExecutor(1) as pool:

            def take_and_die() -> None:
                sent = pool.submit(self._world.provider.release_events, [[event]], [name])
                books.await_waiting(or_else=sent.done)
                self._world.faults.kill(name)

            books.while_locked(self._world.bill.order.id, take_and_die)

    def _deliver_in_order(self, arrival: tuple[str, ...]) -> None:
        bank, bill = self._world.bank, self._world.place(Decimal("19.99"), "USD")
        self._world.pay(bill, self._world.nodes[0], Card.DECIDED_LATER)
        self._world.provider.act(payment_intent=bank.decide(bill), refund=500)
        held = bank.held_of(bill.order.id)
        self._world.provider.release_events([[held[type_]["id"]] * 2 for type_ in arrival], self._names)

    def _knock(self, sign: str) -> list[Attempt]:
        return self._world.provider.deliver(self.paid["id"], [_ORPHAN], sign=sign)

    def _unpaid(self) -> list[str]:
        return [bill.order.id for bill in self._world.bills if not self._world.books.settled(bill.order.id)]


def _shown(attempts: list[Attempt]) -> list[str]:
    return [f"{one.node}: {one.status or one.error} {one.answer[:100]}" for one in attempts]
