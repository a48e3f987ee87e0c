"""A customer whom nobody has charged before: the accounts, what was booked, and what must hold of both stores."""

import datetime
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Adapter, Booking, Outcome, PutAside, Report
from support.capabilities.database_transaction_coordination.matchers import same_bookings
from support.capabilities.database_transaction_coordination.probe import Analytics, Books
from support.faults.faults import Faults
from support.polling import poll
from support.promise import broken, must
from support.worlds.crowds import for_each
from support.worlds.watches import Closable, Watch
from support.worlds.world import Stage, World

_AT_ONCE = 8
TRIES = 20  # a node that asks to try again more often than that does not mean it
PRODUCTS = ("subscription", "usage", "support")
# Ends of months, of years and of a February that has 29 days: where days are mistaken for each other.
_FIRST_DAY = datetime.date(2024, 2, 15)
_LAST_DAY = datetime.date(2024, 12, 31)
# A cent; more than 32 bits hold; more than the 53 bits that a floating-point number has for its digits.
_ODD_CENTS = (2**53 + 1, 2**31 + 1, 1)
_GIVEN_BACK = (-1, -(2**31) - 1)
Served = TypeVar("Served")


class Customer(World[Adapter]):
    """What the rules of billing have in common; one for each scenario."""

    def __init__(self, stage: Stage, faults: Faults, name: str = "") -> None:
        super().__init__(stage, faults)
        self.name = name or self.fresh("customer")
        self.session = self.nodes[0].session(self.name)
        self.tables = self.nodes[0].analytics_tables()
        self.books = self.opened(self.eyes_on_books())
        self.analytics = self.opened(self.eyes_on_analytics())
        self.accounts: list[str] = []
        self.booked: list[Booking] = []

    def eyes_on_books(self) -> Books:
        """A connection to billing's books more, for another thread; whoever asks for it closes it."""
        return Books(self.fleet, self.nodes[0].billing_tables(), self.name)

    def eyes_on_analytics(self) -> Analytics:
        """The same to analytics."""
        return Analytics(self.fleet, self.tables, self.name)

    # What the customer does

    def open_accounts(self, count: int, through: Sequence[int] = (0, 1)) -> list[str]:
        """Opens `count` more accounts, `through` these nodes in turn; returns them."""
        nodes = [self.nodes[through[number % len(through)]] for number in range(count)]
        opened = [served(node.open_account(self.session)) for node in nodes]
        self.accounts += opened
        return opened

    def another(self, name: str = "") -> "Customer":
        """Another customer of the same nodes, called `name` if that is given, with two accounts and nothing on them."""
        other = self.opened(Customer(self.stage, self.faults, name))
        other.open_accounts(2)
        return other

    def bill(self, account: str = "", **changes: Any) -> Booking:
        """A charge that is yet to be booked: of up to 10,000 euros, for a product that analytics knows."""
        usual = Booking(
            reference=self.fresh("invoice"),
            account=account or random.choice(self.accounts),
            product=random.choice(PRODUCTS),
            cents=random.randrange(1, 1_000_000),
            day=_LAST_DAY,
        )
        return usual._replace(**changes)

    def bills(self, count: int, days: int = 1) -> list[Booking]:
        """`count` charges on `days` different days, and on the accounts in turn."""
        apart = (_LAST_DAY - _FIRST_DAY).days // max(1, days - 1)
        on = [_LAST_DAY - datetime.timedelta(apart * number) for number in range(days)]
        accounts = self.accounts
        return [self.bill(accounts[number % len(accounts)], day=on[number % days]) for number in range(count)]

    def other_account(self, than: str) -> str:
        """An account of the customer that is not `than`."""
        return next(account for account in self.accounts if account != than)

    def refund_bills(self, count: int) -> list[Booking]:
        """`count` refunds of up to 10 euros, on the accounts in turn."""
        return [bill._replace(cents=-random.randrange(1, 1_000)) for bill in self.bills(count)]

    def odd_bills(self, count: int, days: int) -> list[Booking]:
        """`count` charges on `days` days, and refunds among them, under references of all lengths and spellings.

        Amounts are the smallest one and some that are too large for many a type, too. The first charge is so large, and
        the first refund so late, that each refund is covered.
        """
        bills = self.bills(count, days)
        for number, cents in enumerate(_ODD_CENTS):
            bills[number] = bills[number]._replace(cents=cents)
        for number in range(4 * _AT_ONCE, count, 10):
            bills[number] = bills[number]._replace(cents=-random.randrange(1, 1_000))
        for number, cents in zip(range(4 * _AT_ONCE, count, 10), _GIVEN_BACK, strict=False):
            bills[number] = bills[number]._replace(cents=cents)
        names = odd_references(self.fresh("invoice"))
        return [bill._replace(reference=name) for bill, name in zip(bills, names, strict=False)] + bills[len(names) :]

    def book(self, bills: Sequence[Booking], through: Sequence[int] = (0, 1)) -> None:
        """Books all `bills`, eight at a time, `through` these nodes in turn. AssertionError when one is not booked."""
        numbered = list(enumerate(bills))
        for_each(numbered, lambda one: self.book_one(one[1], through[one[0] % len(through)]), _AT_ONCE)

    def book_one(self, bill: Booking, node: int) -> None:
        """Books `bill` through the node of that number; it then counts as booked. AssertionError when it is not."""
        outcome = self.ask_for(bill, node)
        must(outcome is Outcome.BOOKED, f"{bill} is {outcome.value}, by the node {node + 1}\n{self.exchanges.last()}")
        self.booked.append(bill)

    def ask_for(self, bill: Booking, node: int) -> Outcome:
        """Asks a node to book `bill`, as often as it says that the loser of a race should; returns what came of it.

        AssertionError when it never says anything else.
        """
        adapter = self.nodes[node]
        book = adapter.refund if bill.cents < 0 else adapter.charge
        for _ in range(TRIES):
            outcome = book(self.session, bill)
            if outcome is not Outcome.TRY_AGAIN:
                return outcome
        broken(f"{adapter.name} asked {TRIES} times to try again with {bill}\n{self.exchanges.last()}")

    def put_aside(self, node: int) -> dict[str, PutAside]:
        """What that node says was put aside. AssertionError when it says nothing."""
        return served(self.nodes[node].put_aside(self.session))

    def reconcile(self, node: int) -> Report:
        """What reconciling by that node found. AssertionError when it was not done."""
        return served(self.nodes[node].reconcile(self.session))

    def watch(self, look: Callable[[], object], every_s: float, *eyes: Closable) -> Watch:
        """Looks by `eyes`, every `every_s` seconds, until the watch ends, or the scenario."""
        watch = Watch(look, every_s, *eyes)
        self.closing.callback(watch.stop)
        return watch

    # What must hold

    def expect_shown(self, within_s: float, but: Sequence[Booking] = ()) -> None:
        """Within `within_s` analytics shows all that was booked, `but` for some, once each and as it was booked.

        Billing's books have the same, with these. What still waits may yet double something, so it is waited for too.
        AssertionError with what is missing, doubled, foreign or changed.
        """
        wanted = list((Counter(self.booked) - Counter(but)).elements())
        poll(lambda: self._settled(Counter(wanted), but), within_s)
        assert_that(self.books.bookings(), same_bookings(self.booked), "billing")
        assert_that(self.analytics.bookings(), same_bookings(wanted), f"analytics, after {within_s:g} s")
        kept = {bill.reference for bill in but}
        labels = {reference: label for reference, label in self.books.labels().items() if reference not in kept}
        assert_that(self.analytics.labels(), equal_to(labels), "analytics: id and currency, as billing has them")

    def expect_sums(self) -> None:
        """Both stores sum up to what was booked, for each day and for each account. AssertionError with both."""
        days: Counter[datetime.date] = Counter()
        accounts: Counter[str] = Counter()
        for booking in self.booked:
            days[booking.day] += booking.cents
            accounts[booking.account] += booking.cents
        assert_that(self.books.sums(), equal_to((dict(days), dict(accounts))), "billing: cents by day and by account")
        assert_that(self.analytics.sums(), equal_to(self.books.sums()), "analytics: cents by day and by account")

    def expect_nothing_else(self, window_s: float) -> None:
        """For `window_s` neither store has anything but what was booked, and nothing waits. AssertionError if not."""
        stray = poll(self._strays, window_s, every_s=0.1)
        must(not stray, f"expected nothing but what was booked, found {stray}")
        self.expect_balances()

    def expect_balances(self) -> None:
        """The balance of each account is the sum of what was booked on it. AssertionError with all of them."""
        wanted = Counter(dict.fromkeys(self.accounts, 0))
        for booking in self.booked:
            wanted[booking.account] += booking.cents
        assert_that(self.books.balances(), equal_to(dict(wanted)), "balances in cents")

    def expect_none_waits(self, within_s: float) -> None:
        """Within `within_s` nothing of the customer's waits for analytics or was put aside. AssertionError if not."""
        poll(lambda: not self.books.outbox(), within_s)
        assert_that(self.books.outbox(), equal_to([]), f"what waits for analytics after {within_s:g} s")
        assert_that(self.books.outbox(put_aside=True), equal_to([]), "what was put aside")

    def _settled(self, wanted: Counter[Booking], but: Sequence[Booking]) -> bool:
        """Whether analytics shows all of `wanted` and none waits `but` these, or what time will not mend is there."""
        there = Counter(self.analytics.bookings())
        waits = set(self.books.outbox()) - {bill.reference for bill in but}
        return not there <= wanted or (there >= wanted and not waits)

    def _strays(self) -> list[str]:
        """The references of what was not booked, wherever it is to be seen; of what was, if it is there twice."""
        known = Counter(booking.reference for booking in self.booked)
        seen = [
            Counter(booking.reference for booking in self.books.bookings()),
            Counter(booking.reference for booking in self.analytics.bookings()),
            Counter(set(self.analytics.deliveries())),
            Counter([*self.books.outbox(), *self.books.outbox(put_aside=True)]),
        ]
        return [reference for there in seen for reference in (there - known)]


def served(answer: Served | Outcome) -> Served:
    """The answer, where there is one. AssertionError when it is that there is none."""
    if isinstance(answer, Outcome):
        broken(f"expected what was asked for, and it is {answer.value}")
    return answer


def odd_references(name: str) -> list[str]:
    """References of which some look alike: to whom cuts them off, folds them, trims them or takes them for numbers."""
    return [
        *(name, name.upper(), name[:-1], f"{name[:-1]}_", f"{name[:-1]}%", f"{name}0", f"{name} ", f" {name}"),
        *(f"{name}\t", f"{name}'", f'{name}"', f"{name}\\", f"{name}\\n", f"{name}\n", f"{name};--", f"{name}/2"),
        *(f"{name}\u00e9", f"{name}e\u0301", f"{name}ss", f"{name}\u00df", f"{name}\u200b", f"{name}\U0001f4b6"),
        *("7", "007", "7.0", "7e0", "+7", "null", "NULL", "None", "true", "nan", "0", "-1", "\\N"),
        *(name.ljust(length, "x") + end for length in (31, 63, 127, 254) for end in "12"),
    ]
