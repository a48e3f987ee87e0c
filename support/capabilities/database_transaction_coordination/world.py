"""One scenario of billing and analytics: a customer of its own, and what single rules need beyond it."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping

from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Adapter, Booking, Outcome, Session
from support.capabilities.database_transaction_coordination.crashes import Crash, LostCommits
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.drift import Differences, Poison, TableChange
from support.capabilities.database_transaction_coordination.races import Balance, Reference, Refunds, Relays, Share
from support.capabilities.database_transaction_coordination.speed import ChargeRate, SteadyCharges
from support.polling import poll
from support.promise import must
from support.worlds.world import part


class Rejections:
    """What customers ask for and must not get, each for another reason."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._other = world.another()
        self._wanted: dict[str, str] = {}
        self._got: dict[str, str] = {}

    def ask_for(self, requests: Iterable[Mapping[str, str]]) -> None:
        """Asks both nodes for each `request` of the feature's table, which says what its `refusal` must be."""
        kinds = self._kinds()
        for row in requests:
            for node in self._world.nodes:
                told = f"{row['request']}, at {node.name}"
                self._wanted[told] = row["refusal"]
                self._got[told] = kinds[row["request"]](node).value

    def expect_refused(self) -> None:
        """Each was refused as the table says, and no balance has changed. AssertionError with what each node said."""
        assert_that(self._got, equal_to(self._wanted))
        self._world.expect_balances()
        self._other.expect_balances()

    def _kinds(self) -> Mapping[str, Callable[[Adapter], Outcome]]:
        world, bill, mine = self._world, self._world.bill, self._world.session
        used = world.booked[0]
        elsewhere = next(account for account in world.accounts if account != used.account)
        much = sum(booking.cents for booking in world.booked) + 1
        return {
            "a charge of an unknown account": lambda node: node.charge(mine, bill(str(uuid.uuid4()))),
            "a charge of another customer's account": lambda node: node.charge(mine, bill(self._other.accounts[0])),
            "a charge of nothing": lambda node: node.charge(mine, bill(cents=0)),
            "a charge of less than nothing": lambda node: node.charge(mine, bill(cents=-1)),
            "a charge under a used reference": lambda node: node.charge(mine, bill(reference=used.reference)),
            "the same charge once more": lambda node: node.charge(mine, used),
            "the same on the other account": lambda node: node.charge(mine, used._replace(account=elsewhere)),
            "a refund of less than nothing": lambda node: node.refund(mine, bill(cents=1)),
            "a refund of more than was paid": lambda node: node.refund(mine, bill(cents=-much)),
            "a charge without a session": lambda node: node.charge(Session(""), bill()),
        }


class Privacy:
    """Accounts that are not the customer's, and what a node says of them."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._told: dict[str, int | Outcome] = {}

    def ask(self) -> None:
        """The customer asks both nodes for the balance of another customer's account, and of one that nobody has."""
        other = self._world.another()
        other.book_one(other.bill(other.accounts[0]), node=0)
        for node in self._world.nodes:
            for whose, account in ("another's", other.accounts[0]), ("nobody's", str(uuid.uuid4())):
                self._told[f"{whose}, by {node.name}"] = node.balance(self._world.session, account)

    def expect_none(self) -> None:
        """All were refused alike, so that nobody learns which accounts there are. AssertionError if not."""
        assert_that(self._told, equal_to(dict.fromkeys(self._told, Outcome.REJECTED)))


class Backlog:
    """What waits while analytics is down."""

    def __init__(self, world: Customer) -> None:
        self._world = world

    def expect_reported(self, count: int) -> None:
        """`count` of the customer's charges wait, and each node says how many do of all. AssertionError if not."""
        assert_that(len(self._world.books.outbox()), equal_to(count), "waiting, by the outbox itself")
        assert_that(self._reported(), equal_to([self._world.books.all_that_wait()] * 2), "waiting, by both nodes")

    def expect_drained(self, within_s: float) -> None:
        """Within `within_s` after ClickHouse is back both nodes say that none waits. AssertionError if not."""
        self._world.faults.mend("clickhouse")
        poll(lambda: self._reported() == [0, 0], within_s)
        assert_that(self._reported(), equal_to([0, 0]), f"waiting, by both nodes, after {within_s:g} s")
        self._world.expect_none_waits(within_s=0)

    def _reported(self) -> list[int]:
        return [node.waiting() for node in self._world.nodes]


class BillingOutage:
    """Charges that are asked for while no node reaches billing."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._told: list[Outcome] = []

    def ask(self) -> None:
        """Asks each node for a charge."""
        self._told = [node.charge(self._world.session, self._world.bill()) for node in self._world.nodes]

    def expect_unavailable(self) -> None:
        """Each node said that billing is not available: a charge that may be good is not rejected."""
        assert_that(self._told, equal_to([Outcome.UNAVAILABLE] * len(self._told)))

    def expect_over(self, within_s: float) -> None:
        """Within `within_s` from now each node takes a charge, which arrives. AssertionError if not.

        Whoever is told that billing is not available tries again.
        """
        end = time.monotonic() + within_s
        for number in range(len(self._world.nodes)):
            self._take(self._world.bill(), number, end)
        self._world.expect_shown(max(0.0, end - time.monotonic()))

    def _take(self, bill: Booking, node: int, end: float) -> None:
        told: list[Outcome] = []

        def ask() -> bool:
            told.append(self._world.ask_for(bill, node))
            return told[-1] is not Outcome.UNAVAILABLE

        poll(ask, max(0.0, end - time.monotonic()), every_s=0.1)
        must(told[-1] is Outcome.BOOKED, f"the node {node + 1} said that {bill} is {told[-1].value}, {len(told)} times")
        self._world.booked.append(bill)


class World(Customer):
    """What the steps of one scenario share; what belongs to a single rule is a part of its own."""

    rejections = part(Rejections)
    privacy = part(Privacy)
    backlog = part(Backlog)
    outage = part(BillingOutage)
    rate = part(ChargeRate)
    crash = part(Crash)
    commits = part(LostCommits)
    balance = part(Balance)
    reference = part(Reference)
    refunds = part(Refunds)
    relays = part(Relays)
    share = part(Share)
    differences = part(Differences)
    poison = part(Poison)
    table = part(TableChange)
    steady = part(SteadyCharges)

    def meet_another(self, cents: int) -> None:
        """Another customer has paid `cents`, and both stores know of it. AssertionError if not."""
        other = self.another()
        other.book_one(other.bill(cents=cents), node=0)
        other.expect_shown(within_s=10)
