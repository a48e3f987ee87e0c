"""What is asked of the nodes while one of the two stores is away, and what comes of it when it is back."""

import time
from collections.abc import Callable
from functools import partial

from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Booking, Outcome, Report
from support.capabilities.database_transaction_coordination.crashes import reach
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.differences import NOTHING
from support.errors import FaultError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.world import wait_until

_LATE_S = 0.4  # so long after an INSERT has begun its rows come
_SENT_S = 0.15  # so long after it has begun they are on their way for sure
_AWAY_S = 3.5  # a node that waits twice as long after each failure then waits for seconds
_TRIES = 4  # to hang up in time, on a machine that may be busy


class Backlog:
    """What waits while analytics is down."""

    def __init__(self, world: Customer) -> None:
        self._world = world

    def go_down(self, count: int) -> None:
        """ClickHouse hangs up on the first node, and no node reaches it; `count` more are booked."""
        self._hang_up()
        gone = time.monotonic()
        self._world.book(self._world.bills(count))
        wait_until(gone + _AWAY_S)

    def expect_reported(self, count: int) -> None:
        """`count` of the customer's charges wait, and each node says how many do of all. AssertionError if not."""
        assert_that(len(self._world.books.outbox()), equal_to(count), "waiting, by the outbox itself")
        assert_that(self._reported(), equal_to([self._world.books.all_that_wait()] * 2), "waiting, by both nodes")

    def expect_drained(self, within_s: float) -> None:
        """Within `within_s` after the first node reaches ClickHouse again both say that none waits. AssertionError."""
        self._world.faults.join("clickhouse", "node-1")
        poll(lambda: self._reported() == [0, 0], within_s)
        assert_that(self._reported(), equal_to([0, 0]), f"waiting, by both nodes, after {within_s:g} s")
        self._world.expect_none_waits(within_s=0)

    def _hang_up(self) -> None:
        """The first node has begun to write a charge, and before its rows arrive the connection is closed."""
        world, analytics = self._world, self._world.analytics
        for _ in range(_TRIES):
            world.faults.slow("clickhouse", "node-1", _LATE_S, stream="upstream")
            charge = world.bill()
            world.book_one(charge, node=0)
            reach(analytics.is_being_written, "the first node has begun to write to analytics")
            wait_until(time.monotonic() + _SENT_S)
            world.faults.cut("clickhouse", "node-1")
            if charge.reference not in analytics.deliveries():
                return
            world.faults.join("clickhouse", "node-1")
        raise FaultError(f"in {_TRIES} tries analytics did not hang up within {_LATE_S:g} s")

    def _reported(self) -> list[int]:
        return [node.waiting() for node in self._world.nodes]


class BillingOutage:
    """Everything that a customer may ask for, while billing is away and afterwards."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._told: dict[str, object] = {}

    def ask(self) -> None:
        """Asks each node for each of it, all at the same time."""
        requests = self._requests()
        with threads(len(requests)) as pool:
            answers = {what: pool.submit(ask) for what, ask in requests.items()}
        self._told = {what: answer.result() for what, answer in answers.items()}

    def expect_unavailable(self) -> None:
        """Each was told that billing is not available: nothing that may be good is rejected, or said to be absent."""
        assert_that(self._told, equal_to(dict.fromkeys(self._told, Outcome.UNAVAILABLE)))

    def expect_over(self, within_s: float) -> None:
        """Within `within_s` from now each node does all of it, and it arrives. AssertionError if not.

        Whoever is told that billing is not available tries again.
        """
        end, world = time.monotonic() + within_s, self._world
        world.books = world.opened(world.eyes_on_books())  # the connection of before ended with the server
        for what, ask in self._requests().items():
            self._take(what, ask, end)
        world.expect_shown(max(0.0, end - time.monotonic()))
        world.expect_balances()
        shown = [node.balance(world.session, world.accounts[0]) for node in world.nodes]
        assert_that(shown, equal_to([world.books.balances()[world.accounts[0]]] * len(shown)), "balance, by both nodes")

    def _requests(self) -> dict[str, Callable[[], object]]:
        world, requests = self._world, dict[str, Callable[[], object]]()
        for number, node in enumerate(world.nodes):
            requests |= {
                f"a charge, by {node.name}": partial(self._book, world.bill(), number),
                f"a refund, by {node.name}": partial(self._book, world.bill(cents=-1), number),
                f"a balance, by {node.name}": partial(node.balance, world.session, world.accounts[0]),
                f"an account, by {node.name}": partial(self._open, number),
                f"what was put aside, by {node.name}": partial(node.put_aside, world.session),
                f"a reconciliation, by {node.name}": partial(node.reconcile, world.session),
            }
        return requests

    def _book(self, bill: Booking, node: int) -> Outcome:
        told = self._world.ask_for(bill, node)
        if told is Outcome.BOOKED:
            self._world.booked.append(bill)
        return told

    def _open(self, node: int) -> str | Outcome:
        account = self._world.nodes[node].open_account(self._world.session)
        if isinstance(account, str):
            self._world.accounts.append(account)
        return account

    def _take(self, what: str, ask: Callable[[], object], end: float) -> None:
        told: list[object] = []

        def served() -> bool:
            told.append(ask())
            return told[-1] is not Outcome.UNAVAILABLE

        poll(served, max(0.0, end - time.monotonic()), every_s=0.1)
        if isinstance(told[-1], Report):  # else what was lost would arrive by it all the same
            assert_that(told[-1], equal_to(NOTHING), what)
        must(told[-1] is Outcome.BOOKED or not isinstance(told[-1], Outcome), f"{what}: {told[-1]}, {len(told)} times")
