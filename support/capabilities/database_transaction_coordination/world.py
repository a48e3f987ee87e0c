"""One scenario of billing and analytics: a customer of its own, and what single rules need beyond it."""

from collections.abc import Callable

import requests
from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Booking
from support.capabilities.database_transaction_coordination.crashes import Crash
from support.capabilities.database_transaction_coordination.customer import Customer, is_refusal
from support.capabilities.database_transaction_coordination.drift import Change, Differences, Poison
from support.capabilities.database_transaction_coordination.races import Balance, Reference, Refunds, Relays
from support.capabilities.database_transaction_coordination.speed import Pace, Stream
from support.clients.node_client import member
from support.faults.faults import Faults
from support.polling import poll
from support.worlds.world import Stage


class World(Customer):
    """What the steps of one scenario share; what belongs to a single rule is a part of its own."""

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.crash = Crash(self)
        self.reference = Reference(self)
        self.refunds = Refunds(self)
        self.relays = Relays(self)
        self.differences = Differences(self)
        self.poison = Poison(self)
        self.change = Change(self)
        self.pace = Pace(self)
        self.stream = Stream(self)
        self.outage = Outage(self)
        self.rejections = Rejections(self)

    def charge_one_account_at_once(self, count: int, cents: int) -> None:
        """`count` charges of one account, all at the same time."""
        self.balance = Balance(self)
        self.balance.charge_at_once(count, cents)

    def meet_another(self, cents: int) -> None:
        """Another customer has paid `cents`, and both stores know of it. AssertionError if not."""
        other = self.another()
        other.book_one(other.bill(cents=cents), node=0)
        other.expect_shown(within_s=10)


class Rejections:
    """Charges that break a rule of billing's, each in another way."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._answers: dict[str, requests.Response] = {}
        self._others: list[Customer] = []

    def offer(self) -> None:
        """Gives both nodes one charge for each rule that it breaks."""
        world, used = self._world, self._world.booked[0].reference
        self._others = [world.another()]
        kinds: dict[str, Callable[[], Booking]] = {
            "unknown account": lambda: world.bill("00000000-0000-4000-8000-000000000000"),
            "account of another customer": lambda: world.bill(self._others[0].accounts[0]),
            "nothing": lambda: world.bill(cents=0),
            "less than nothing": lambda: world.bill(cents=-100),
            "a reference used before": lambda: world.bill(world.accounts[0], reference=used),
            "the same, on the other account": lambda: world.bill(world.accounts[1], reference=used),
        }
        self._answers = {
            f"{kind} at {node.name}": node.attempt(make()) for kind, make in kinds.items() for node in world.nodes
        }

    def expect_rejected(self) -> None:
        """Each was answered as something that cannot be booked, now or later. AssertionError with what was not.

        Nor has it changed a balance of the other customer.
        """
        taken = {
            what: f"{answer.status_code} {answer.text}"
            for what, answer in self._answers.items()
            if not is_refusal(answer.status_code) or member(answer, "retryable")
        }
        assert_that(taken, equal_to({}), "charges that were not rejected, and the answer")
        for other in self._others:
            other.expect_balances()


class Outage:
    """ClickHouse is down, and back."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._waiting_before = 0

    def begin(self) -> None:
        """ClickHouse dies."""
        self._world.faults.kill("clickhouse")
        self._waiting_before = self._world.nodes[0].waiting()

    def expect_reported(self, count: int) -> None:
        """Both nodes say that `count` charges wait, and by SQL they do. AssertionError if not."""
        assert_that(self._reported(), equal_to([self._waiting_before + count] * 2), "waiting, by both nodes")
        assert_that(len(self._world.books.outbox()), equal_to(count), "waiting, by the outbox itself")

    def start_anew(self, name: str) -> None:
        """A node dies, and is started again; whether it gets well is to be seen."""
        self._world.faults.kill(name)
        self._world.faults.start(name)

    def expect_well(self, within_s: float) -> None:
        """Within `within_s` both nodes say that they are well, so that they are given work. AssertionError if not."""
        poll(lambda: not self._unwell(), within_s)
        assert_that(self._unwell(), equal_to([]), f"nodes that are not well after {within_s:g} s")

    def _unwell(self) -> list[str]:
        return [node.name for node in self._world.fleet.nodes if not node.answers(*node.address())]

    def expect_drained(self, within_s: float) -> None:
        """Within `within_s` after ClickHouse is back both nodes say that none waits. AssertionError if not."""
        self._world.faults.mend("clickhouse")
        poll(lambda: self._reported() == [0, 0], within_s)
        assert_that(self._reported(), equal_to([0, 0]), f"waiting, by both nodes, after {within_s:g} s")
        self._world.expect_none_waits(within_s=0)

    def _reported(self) -> list[int]:
        return [node.waiting() for node in self._world.nodes]
