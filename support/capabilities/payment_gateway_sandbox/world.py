"""One scenario of payments: a customer whom nobody has seen before, their orders, and all that they were told."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from hamcrest import assert_that, empty, equal_to, has_length, is_in, less_than

from support.capabilities.payment_gateway_sandbox.client import (
    Adapter,
    Answer,
    Card,
    Line,
    Money,
    Order,
    Outcome,
    Receipt,
)
from support.capabilities.payment_gateway_sandbox.keys import Keys
from support.capabilities.payment_gateway_sandbox.mistakes import Mistakes
from support.capabilities.payment_gateway_sandbox.moments import Bank
from support.capabilities.payment_gateway_sandbox.parts import Parts
from support.capabilities.payment_gateway_sandbox.probe import Books, Flow
from support.capabilities.payment_gateway_sandbox.reconciliation import Reconciliation
from support.capabilities.payment_gateway_sandbox.refunds import Refunds
from support.capabilities.payment_gateway_sandbox.secrecy import Secrecy
from support.capabilities.payment_gateway_sandbox.subscriptions import Subscriptions
from support.capabilities.payment_gateway_sandbox.troubles import Troubles
from support.capabilities.payment_gateway_sandbox.undecided import Undecided
from support.capabilities.payment_gateway_sandbox.under_way import UnderWay
from support.capabilities.payment_gateway_sandbox.webhooks import Webhooks
from support.clients.payment_sandbox_control import Endpoint, PaymentSandboxControl
from support.containers.platform import Node
from support.faults.faults import Faults
from support.polling import poll
from support.promise import broken, must
from support.worlds import world
from support.worlds.crowds import threads

_ASK_AGAIN = (Outcome.NOT_KNOWN, Outcome.UNAVAILABLE)
AGREED_WITHIN_S = 5.0
_QUIET_S = 0.3  # what doubles a movement late, does so within that


@dataclass
class Bill:
    """An order, and all that its customer was told when it was paid."""

    order: Order
    told: list[Answer] = field(default_factory=list)
    took_s: float = 0  # until the last answer came


class World(world.World[Adapter]):
    """What the steps of one scenario share. `bills` are its orders, the newest last."""

    bank = world.part(Bank)
    keys = world.part(Keys)
    undecided = world.part(Undecided)
    under_way = world.part(UnderWay)
    troubles = world.part(Troubles)
    mistakes = world.part(Mistakes)
    webhooks = world.part(Webhooks)
    refunds = world.part(Refunds)
    parts = world.part(Parts)
    subscriptions = world.part(Subscriptions)
    reconciliation = world.part(Reconciliation)
    secrecy = world.part(Secrecy)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.provider = self.opened(PaymentSandboxControl.of(self.fleet, "payment-sandbox"))
        self.books = self.opened(Books(self.fleet, self.nodes[0].tables()))
        self.customer = self.fresh("customer")
        self.bills: list[Bill] = []
        self.wanted: list[Mapping[str, str]] = []
        self.send_webhooks(self.nodes[0].webhook_secrets[:1])

    @property
    def bill(self) -> Bill:
        """The order that sentences call the order."""
        return self.bills[-1]

    @property
    def up(self) -> list[Adapter]:
        """The nodes that no fault holds."""
        return [node for node in self.nodes if node.name not in self.faults.held]

    def send_webhooks(self, secrets: Sequence[str]) -> None:
        """Has the provider sign its events with `secrets`, and send them to the nodes in turn."""
        urls = [node.webhooks_at(f"http://{node.name}:{Node.port}") for node in self.nodes]
        ends = [Endpoint(node.name, url, secrets) for node, url in zip(self.nodes, urls, strict=True)]
        self.provider.send_webhooks_to(*ends)

    # Ordering and paying

    def place(self, amount: Decimal, currency: str, node: int = 0) -> Bill:
        """An order of one thing. AssertionError when it is not taken."""
        return self.place_lines([Line(1, amount)], currency, node)

    def place_lines(self, lines: Sequence[Line], currency: str, node: int = 0) -> Bill:
        """An order of these lines. AssertionError when it is not taken."""
        bill = self.ordered(self.customer, lines, currency, node)
        self.bills.append(bill)
        return bill

    def ordered(self, customer: str, lines: Sequence[Line], currency: str, node: int = 0) -> Bill:
        """An order that is none of `bills`, also of another customer. AssertionError when it is not taken."""
        order = self.nodes[node].order(customer, lines, currency)
        if isinstance(order, Outcome):
            broken(f"an order of {lines} in {currency} was not taken: {order.name}")
        return Bill(order)

    def pay(self, bill: Bill, node: Adapter, card: Card = Card.GOOD, key: str = "") -> Answer:
        """One request to pay, and its answer, which is kept."""
        began = time.monotonic()
        bill.told.append(node.pay(bill.order.customer, bill.order.id, card.value, key))
        bill.took_s = time.monotonic() - began
        return bill.told[-1]

    def pay_beside(self) -> None:
        """What the bank does not answer is paid through the first node; meanwhile another customer pays there."""
        node, self.other = self.nodes[0], self.ordered(self.fresh("customer"), [Line(1, Decimal(5))], "USD")
        with threads(len(self.bills)) as pool:
            paying = [pool.submit(self.pay, bill, node) for bill in self.bills]
            began = time.monotonic()
            poll(lambda: self.pay(self.other, node).outcome not in _ASK_AGAIN, AGREED_WITHIN_S, 0.2)
            self.other.took_s = time.monotonic() - began
        for one in paying:
            one.result()

    def expect_told_in_time(self, within_s: float) -> None:
        """Each customer was told within `within_s` that the outcome is not known yet. AssertionError if not."""
        for bill in self.bills:
            assert_that(bill.told[-1].outcome, is_in(_ASK_AGAIN), f"what the customer was told: {bill.told[-1]}")
        slowest = max(bill.took_s for bill in self.bills)
        assert_that(slowest, less_than(within_s), "seconds until the last customer was told something")

    def expect_other_paid(self, within_s: float) -> None:
        """The other customer was told within `within_s` that theirs is paid. AssertionError if not."""
        self.expect_told(self.other, Outcome.DONE)
        assert_that(self.other.took_s, less_than(within_s), "seconds until the other customer was told")

    def pay_until_told(self, bill: Bill, card: Card = Card.GOOD, key: str = "", within_s: float = 10) -> Answer:
        """Pays, through the nodes in turn, until the customer is told what became of it. AssertionError if never."""
        nodes = world.turns(self.up)
        poll(lambda: self.pay(bill, next(nodes), card, key).outcome not in _ASK_AGAIN, within_s, 0.2)
        last = bill.told[-1]
        must(last.outcome not in _ASK_AGAIN, f"nobody knew after {within_s:g} s what became of a payment: {last}")
        return last

    def pay_at_once(self, bill: Bill, count: int, key: str) -> None:
        """`count` requests to pay at the same time, through the nodes in turn, each until it is told what became."""
        with threads(count) as pool:
            nodes = world.turns(self.nodes)
            first = [pool.submit(self.pay, bill, next(nodes), Card.GOOD, key) for _ in range(count)]
        unknown = [one for one in first if one.result().outcome in _ASK_AGAIN]
        for _ in unknown:
            self.pay_until_told(bill, key=key)

    def pay_at_once_and_later(self, bill: Bill, count: int, key: str) -> None:
        """The same, and through each node again when the provider knows nothing of the key any more."""
        self.pay_at_once(bill, count, key)
        self.provider.forget_keys()
        for node in self.nodes:
            self.pay(bill, node, key=key)

    def pay_meanwhile(self, bill: Bill) -> None:
        """What the bank holds is paid again through the second node, twice, and is answered then; all until told."""
        for key in ("", self.fresh("key")):
            self.pay(bill, self.nodes[1], key=key)
        self.bank.go_on()
        self.pay_until_told(bill)

    def expect_told_after_paying(self, bill: Bill, card: Card = Card.GOOD) -> None:
        """The customer pays, and is told that it is paid. AssertionError if not."""
        self.pay_until_told(bill, card)
        self.expect_told(bill, Outcome.DONE)

    def pay_with_each(self, cards: Sequence[Card]) -> None:
        """A new order for each of these cards, and a request to pay it through each node, both with one key."""
        for card in cards:
            bill, key = self.place(Decimal("19.99"), "USD"), self.fresh("key")
            for node in self.nodes:
                self.pay(bill, node, card, key)

    def price(self, table: Sequence[Mapping[str, str]]) -> None:
        """An order for each row, "3 x 0.10, 1 x 5.00" in its currency, which is paid. AssertionError if not."""
        self.wanted = list(table)
        for row in table:
            lines = [part.split(" x ") for part in row["lines"].split(", ")]
            bill = self.place_lines([Line(int(count), Decimal(each)) for count, each in lines], row["currency"])
            self.expect_told_after_paying(bill)

    def leave_undecided(self, table: Sequence[Mapping[str, str]]) -> None:
        """An order for each row, whose payment the bank has not decided."""
        self.wanted = list(table)
        for _ in self.wanted:
            self.bank.begin(self.place(Decimal("19.99"), "USD"))

    def pay_otherwise(self) -> None:
        """The bank pays for each order what its row says, and the provider tells of it."""
        for bill, money in self._paid_otherwise():
            self.bank.decide_for(bill, money)
        self.provider.let_events_go()

    # What must hold

    def expect_all_booked(self, within_s: float) -> None:
        """Within `within_s` each time the books have what the bank paid for each order. AssertionError if not."""
        for bill, money in self._paid_otherwise():
            self.expect_booked(bill, money, within_s)

    def expect_charged(self) -> None:
        """Of each row the provider charged so many of the smallest unit, and the customer was told the same."""
        wanted = [{row["currency"].lower(): int(row["charged"])} for row in self.wanted]
        charged = [dict(self.provider.sums(order=bill.order.id).money_in) for bill in self.bills]
        assert_that(charged, equal_to(wanted), "what the provider charged")
        told = [{bill.order.cost.currency.lower(): bill.order.cost.minor} for bill in self.bills]
        assert_that(told, equal_to(wanted), "what the customers were told that it costs")

    def expect_each_told(self, outcomes: Sequence[Outcome]) -> None:
        """The customer of each order was told just this each time; nothing was charged. AssertionError if not."""
        told = [[answer.outcome for answer in bill.told] for bill in self.bills]
        assert_that(told, equal_to([[outcome] * len(self.nodes) for outcome in outcomes]), "what they were told")
        for bill in self.bills:
            assert_that({answer.said for answer in bill.told}, has_length(1), f"answers to one key: {bill.told}")
            self.expect_not_charged(bill)

    def expect_payable(self) -> None:
        """Each order is paid when it is tried with a good card. AssertionError if not."""
        for bill in self.bills:
            self.expect_told_after_paying(bill, Card.ANOTHER)

    def expect_told(self, bill: Bill, outcome: Outcome) -> None:
        """The customer was told `outcome` last. AssertionError with what was said."""
        assert_that(bill.told[-1].outcome, equal_to(outcome), f"the answer was {bill.told[-1]}")

    def expect_same_receipt(self, bill: Bill) -> None:
        """Whoever was told the outcome was told the same, word for word, and that it is paid."""
        said = {(answer.outcome.name, answer.said) for answer in bill.told if answer.outcome not in _ASK_AGAIN}
        assert_that([outcome for outcome, _ in said], equal_to([Outcome.DONE.name]), f"the different answers: {said}")

    def expect_charged_once(self, bill: Bill) -> None:
        """One charge of what the order costs, under one key while the outcome was unknown. AssertionError if not."""
        self.expect_one_charge(bill)
        arrived = self.provider.arrivals(order=bill.order.id, method="POST", path="/v1/payment_intents")
        assert_that(len({one.fields["key"] for one in arrived}), equal_to(1), "keys under which it was asked for")

    def expect_one_charge(self, bill: Bill) -> None:
        """One charge of what the order costs, by the provider. AssertionError if not."""
        sums = self.provider.sums(order=bill.order.id)
        cost = bill.order.cost
        assert_that(sums.charges, equal_to(1), "charges of the order, by the provider")
        assert_that(dict(sums.money_in), equal_to({cost.currency.lower(): cost.minor}), "what the provider charged")

    def expect_not_charged(self, bill: Bill) -> None:
        """Nothing was charged, and nobody counts the order as paid. AssertionError if not."""
        assert_that(self.provider.sums(order=bill.order.id).charges, equal_to(0), "charges, by the provider")
        assert_that(self.books.settled(bill.order.id), equal_to(False), "paid, by the platform's books")
        assert_that(self.books.moved(bill.order.id), empty(), "money in the platform's books")

    def expect_settled(self, bill: Bill, within_s: float) -> None:
        """Within `within_s` the order counts as paid. AssertionError if not."""
        poll(lambda: self.books.settled(bill.order.id), within_s)
        assert_that(self.books.settled(bill.order.id), equal_to(True), f"paid by the books after {within_s:g} s")

    def expect_booked(self, bill: Bill, money: Money, within_s: float) -> None:
        """Within `within_s` so much is in the platform's books for the order, and no more. AssertionError if not."""
        wanted = Counter({("charge", money.currency): money.minor})
        poll(lambda: self.books.moved(bill.order.id) == wanted, within_s)
        assert_that(self.books.moved(bill.order.id), equal_to(wanted), "in the platform's books")

    def expect_agreement(self) -> None:
        """Of each order the provider, the platform and the customer have the same, to the smallest unit.

        Within 5 s, and still a moment later. AssertionError with the three accounts.
        """
        self.provider.see_that_the_books_add_up()
        poll(lambda: not self._disagreements(), AGREED_WITHIN_S)
        time.sleep(_QUIET_S)
        assert_that(self._disagreements(), empty(), "orders of which not all have the same account")
        assert_that(self.books.unbalanced(), equal_to({}), "what the ledger sums to, where it is not 0")

    def _paid_otherwise(self) -> list[tuple[Bill, Money]]:
        moneys = [Money(Decimal(row["paid"]), row["currency"]) for row in self.wanted]
        return list(zip(self.bills, moneys, strict=True))

    def _disagreements(self) -> list[str]:
        found = []
        for bill in self.bills:
            # What a bank took back is in no sum of the provider's; scenarios of disputes look at it themselves.
            moved = self.books.moved(bill.order.id)
            theirs = self._theirs(bill.order)
            ours = Counter({key: amount for key, amount in moved.items() if key[0] != "dispute"})
            shown = {node.name: node.receipt(bill.order.customer, bill.order.id) for node in self.up}
            promised = bill.told and any(answer.outcome is Outcome.DONE for answer in bill.told)
            wanted = Receipt(self.books.settled(bill.order.id), *_sums(theirs, bill.order.cost.currency))
            if theirs != ours or any(one != wanted for one in shown.values()) or (promised and not wanted.settled):
                found.append(f"{bill.order}: provider {theirs}, books {ours}, shown {shown}, told {bill.told}")
        return found

    def _theirs(self, order: Order) -> Counter[Flow]:
        """What moved, by the provider."""
        sums = self.provider.sums(order=order.id)
        moved = Counter({("charge", currency.upper()): amount for currency, amount in sums.money_in.items()})
        moved |= Counter({("refund", currency.upper()): amount for currency, amount in sums.money_back.items()})
        return Counter({key: -amount if key[0] == "refund" else amount for key, amount in moved.items()})


def _sums(moved: Counter[Flow], currency: str) -> tuple[Money, Money]:
    """What was paid and given back of an order, as its receipt has it."""
    paid, back = moved["charge", currency], -moved["refund", currency]
    return Money.of(paid, currency), Money.of(back, currency)
