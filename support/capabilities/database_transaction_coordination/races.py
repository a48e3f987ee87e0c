"""Many who change the same at once: one balance, one limit over two accounts, one outbox that two nodes empty."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hamcrest import assert_that, contains_inanyorder, equal_to

from support.capabilities.database_transaction_coordination.client import Booking, Outcome
from support.capabilities.database_transaction_coordination.crashes import reach
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.probe import Analytics
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each, threads

_LOOK_EVERY_S = 0.02
_JUST_S = 0.1, 0.6  # for so long a node that waits 1.5 s for analytics has had something in hand, and will have it
_TRIES = 4  # to freeze a node in time, on a machine that may be busy
# The slow node gives up after 1.5 s, of which its way takes 0.25 s: in so long a gap it may, and has to send again.
_GAP_S = 0.9
_LOOKS = 20  # the slow node holds a batch for a second


class Balance:
    """One account that many charge at the same time."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._account = world.accounts[0]

    def change_at_once(self, *changes: tuple[int, int]) -> None:
        """So many charges of so many cents each, refunds if below 0, all at the same time, through both nodes.

        What was paid on the other account covers all refunds. AssertionError if one is not booked.
        """
        world = self._world
        back = sum(-count * cents for count, cents in changes if cents < 0)
        world.book_one(world.bill(world.accounts[1], cents=back), node=0)
        self.expect(0)  # whoever keeps a balance in mind has seen this one
        bills = [world.bill(self._account, cents=cents) for count, cents in changes for _ in range(count)]
        together = threading.Barrier(len(bills))

        def book(number: int) -> None:
            together.wait()
            world.book_one(bills[number], number % len(world.nodes))

        with threads(len(bills)) as pool:
            list(pool.map(book, range(len(bills))))

    def expect(self, cents: int) -> None:
        """The balance is `cents`, by SQL and by the word of each node. AssertionError with all of them."""
        told: dict[str, int | Outcome] = {
            node.name: node.balance(self._world.session, self._account) for node in self._world.nodes
        }
        told["billing's books"] = self._world.books.balances()[self._account]
        assert_that(told, equal_to(dict.fromkeys(told, cents)), "balance in cents")


class Reference:
    """One reference under which each node is given a charge, of another account, at the same time."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._outcomes: list[Outcome] = []

    def use_twice(self) -> None:
        """The second node gets its charge when that of the first one is written, and not committed yet."""
        world = self._world
        first = world.bill(world.accounts[0])
        second = first._replace(account=world.accounts[1])
        with threads(1) as pool:
            answer = pool.submit(world.nodes[0].charge, world.session, first)
            reach(world.books.uncommitted, "the first node has written part of a charge")
            later = world.nodes[1].charge(world.session, second)
        self._outcomes = [answer.result(), later]
        world.booked += _booked([first, second], self._outcomes)

    def expect_one(self) -> None:
        """One charge was booked, the other one rejected, and only one changed a balance. AssertionError if not."""
        assert_that(self._outcomes, contains_inanyorder(Outcome.BOOKED, Outcome.REJECTED))
        self._world.expect_balances()


class Refunds:
    """Races of two refunds that a customer has paid enough for one of, each of another account."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._outcomes: Counter[str] = Counter()
        self._least = 0

    def race(self, races: int, cents: int, paid: int) -> None:
        """`races` times: the customer has paid `paid`, half of it on each account, and `cents` are refunded on both.

        It ends with the first race that did not go as it must; what it did is told by the expectations.
        """
        with threads(2) as pool:
            for _ in range(races):
                self._pay(paid)
                refunds = [self._world.bill(account, cents=-cents) for account in self._world.accounts[:2]]
                self._outcomes[self._outcome(refunds, list(pool.map(self._world.ask_for, refunds, range(2))))] += 1
                self._least = min(self._least, sum(self._world.books.balances().values()))
                if len(self._outcomes) > 1 or self._least < 0:
                    return

    def expect_one_each(self, races: int) -> None:
        """In each of `races` one refund was booked, and the other refused. AssertionError with what happened."""
        assert_that(dict(self._outcomes), equal_to({"booked, rejected": races}))

    def expect_never_overdrawn(self) -> None:
        """After no race the customer's accounts were below zero taken together, by SQL. AssertionError if they were."""
        must(self._least == 0, f"the customer got back {-self._least} cents more than was paid")

    def _pay(self, paid: int) -> None:
        """Charges what lacks on each account until it has half of `paid`."""
        for account, has in self._world.books.balances().items():
            if has < paid // 2:
                self._world.book_one(self._world.bill(account, cents=paid // 2 - has), node=0)

    def _outcome(self, refunds: Sequence[Booking], outcomes: Sequence[Outcome]) -> str:
        self._world.booked += _booked(refunds, outcomes)
        return ", ".join(sorted(outcome.value for outcome in outcomes))


class Share:
    """What one node has in hand while it stands still, and all the rest, which is the other node's to send."""

    def __init__(self, world: Customer) -> None:
        self._world = world

    def freeze_with_some_in_hand(self, count: int, accounts: int) -> None:
        """Books `count` charges by the first node, which freezes with some in hand; then the second reaches billing.

        FaultError when it never does.
        """
        world = self._world
        opened = world.open_accounts(accounts, through=[0])
        world.book([world.bill(opened[number % accounts]) for number in range(count)], through=[0])
        since = time.monotonic()

        def in_hand() -> bool:
            """Whether the node has just taken up as much as it can."""
            most_s = min(_JUST_S[1], time.monotonic() - since)
            return any(_JUST_S[0] < idle_s < most_s for idle_s in world.books.idle_for())

        self._freeze(in_hand)
        world.faults.join("postgres", "node-2")

    def _freeze(self, in_hand: Callable[[], bool]) -> None:
        """Freezes the first node; where it had nothing in hand any more by then, it goes on and is frozen again."""
        faults = self._world.faults
        for _ in range(_TRIES):
            reach(in_hand, "the first node has charges in hand")
            faults.pause("node-1")
            if max(self._world.books.idle_for(), default=0) >= _JUST_S[0]:
                return
            faults.mend("node-1")
        raise FaultError(f"{_TRIES} times the first node froze too late: it had nothing in hand any more")

    def expect_others_sent(self, least: int, within_s: float) -> None:
        """Within `within_s` analytics has `least` of the charges. AssertionError with how many it has."""
        analytics = self._world.analytics
        poll(lambda: len(analytics.deliveries()) >= least, within_s)
        sent = len(analytics.deliveries())
        must(sent >= least, f"{sent} charges were sent within {within_s:g} s, expected {least} at least")


class Relays:
    """Both nodes send what waits, one of them slowly; analytics is looked at all the while."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._overtaken: list[str] = []
        self._booked: Mapping[str, list[str]] = {}

    def book(self, count: int, accounts: int) -> None:
        """Books `count` charges on `accounts` new accounts, those of an account one after the other.

        After half of them the second node reaches analytics. More wait by then than one batch takes, and the first
        node has some under way, as it does all the time.
        """
        opened = self._world.open_accounts(accounts)
        bills = {account: [self._world.bill(account) for _ in range(count // accounts)] for account in opened}
        self._booked = {account: [bill.reference for bill in bills[account]] for account in opened}
        analytics = self._world.eyes_on_analytics()
        self._watch = self._world.watch(lambda: self._look(analytics), _LOOK_EVERY_S, analytics)
        half = count // accounts // 2
        for_each([some[:half] for some in bills.values()], self._book_in_order)
        self._world.faults.join("clickhouse", "node-2")
        for_each([some[half:] for some in bills.values()], self._book_in_order)

    def expect_sent_once(self, within_s: float, quiet_s: float) -> None:
        """Within `within_s` each charge has been sent, and for `quiet_s` more none again. AssertionError if not.

        Raises ProbeError where one was sent again after analytics had been out of sight for long.
        """
        analytics, wanted = self._world.analytics, Counter(booking.reference for booking in self._world.booked)
        poll(lambda: analytics.deliveries() >= wanted, within_s)
        self._world.expect_none_waits(within_s=5)
        poll(lambda: analytics.deliveries() != wanted, quiet_s)
        self._watch.end()
        sent = analytics.deliveries()
        if sent - wanted and self._watch.gap_s > _GAP_S:
            raise ProbeError(f"analytics was not to be seen for {self._watch.gap_s:.1f} s: a node may have given it up")
        assert_that(sent - wanted, equal_to(Counter()), "charges that were sent more than once")
        assert_that(wanted - sent, equal_to(Counter()), "charges that were not sent")

    def expect_none_overtaken(self) -> None:
        """At no look an account's later charge was there before an earlier one. AssertionError with such a look.

        Raises ProbeError when there were too few looks to tell.
        """
        if self._watch.looks < _LOOKS:
            raise ProbeError(f"analytics could be looked at only {self._watch.looks} times, expected {_LOOKS} at least")
        must(not self._overtaken, f"at {len(self._overtaken)} looks; {self._overtaken[:1]}")

    def _book_in_order(self, bills: Sequence[Booking]) -> None:
        for number, bill in enumerate(bills):
            self._world.book_one(bill, number % len(self._world.nodes))

    def _look(self, analytics: Analytics) -> None:
        there = analytics.deliveries()
        for account, booked in self._booked.items():
            places = [place for place, reference in enumerate(booked, 1) if reference in there]
            if places != list(range(1, len(places) + 1)):
                self._overtaken.append(f"account {account} showed its charges {places}")


def _booked(bills: Sequence[Booking], outcomes: Sequence[Outcome]) -> list[Booking]:
    return [bill for bill, outcome in zip(bills, outcomes, strict=True) if outcome is Outcome.BOOKED]
