"""Rows of analytics that are not as billing has them, and what reconciling says and makes of it."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Booking, Report
from support.capabilities.database_transaction_coordination.customer import PRODUCTS, Customer
from support.polling import poll
from support.worlds.crowds import threads

_WITHIN_S = 20.0
_ANOTHER_EVERY_S = 0.03
_UNDER_WAY = 2  # times: charges arrive, and go on doing so
_MEANWHILE = 8  # times: what is read first and what is read last have something between them then
_AT_MOST = 8
NOTHING = Report([], [], [])
LOST, DOUBLED = "nothing", "it a second time"
# What analytics shows of a booking by mistake: a column and what stands there.
_WRONG: Mapping[str, Callable[[Customer, Booking], tuple[str, object]]] = {
    "another amount": lambda world, booking: ("cents", booking.cents + (1 if booking.cents > 0 else -1)),
    "a refund for a charge": lambda world, booking: ("cents", -booking.cents),
    "another day": lambda world, booking: ("day", booking.day + datetime.timedelta(1)),
    "another account": lambda world, booking: ("account", world.other_account(booking.account)),
    "another product": lambda world, booking: ("product", _another_product(booking.product)),
    "another reference": lambda world, booking: ("reference", world.fresh("invoice")),
    "another currency": lambda world, booking: ("currency", "USD"),
}


class Differences:
    """What somebody has deleted, altered and doubled in analytics behind the platform's back, time after time."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._left = {kind: [one for one in world.booked if (one.cents > 0) == kind] for kind in (True, False)}
        self._ids = world.books.ids()
        self._rounds: list[tuple[str, Report, Report]] = []  # what went wrong; what a report had to name, and named
        self._not_as_booked: list[str] = []

    def go_through(self, mistakes: Iterable[str]) -> None:
        """Lets each of `mistakes` happen to a charge and a refund, and then all of them to others, and reconciles."""
        self._world.analytics.change(self._world.tables.keep_deliveries)
        each = list(mistakes)
        for number, some in enumerate([*([one] for one in each), each]):
            self._reconcile_after(some, number % len(self._world.nodes))

    def expect_named(self) -> None:
        """Each report named what differed, each as what it is, and nothing else. AssertionError if not."""
        for what, planted, named in self._rounds:
            assert_that(_sorted(named), equal_to(_sorted(planted)), f"differences, when analytics showed {what}")

    def expect_set_right(self) -> None:
        """After each time analytics showed all that was booked once, as it was booked. AssertionError if not."""
        assert_that(self._not_as_booked, equal_to([]), "what was not set right")

    def expect_nothing_left(self) -> None:
        """Once more, by each node: no difference is named, and no row is written. AssertionError if not."""
        rows = self._world.analytics.deliveries()
        for node in range(len(self._world.nodes)):
            assert_that(self._world.reconcile(node), equal_to(NOTHING))
        assert_that(self._world.analytics.deliveries(), equal_to(rows), "rows of each, though nothing differed")

    def _reconcile_after(self, mistakes: Sequence[str], node: int) -> None:
        world, what = self._world, " and ".join(mistakes)
        reports = [self._plant(mistake) for mistake in mistakes]
        planted = Report(*(list(chain(*ids)) for ids in zip(*reports, strict=True)))
        named = world.reconcile(node)
        self._rounds.append((what, planted, named))
        shown = Counter(world.analytics.bookings()), world.analytics.labels()
        if shown != (Counter(world.booked), world.books.labels()):
            self._not_as_booked.append(what)

    def _plant(self, mistake: str) -> Report:
        """Lets it happen to a charge and a refund that nothing has happened to; what a report has to name."""
        pair = [of_a_kind.pop() for of_a_kind in self._left.values()]
        analytics, names = self._world.analytics, [booking.reference for booking in pair]
        ids = [self._ids[name] for name in names]
        if mistake == LOST:
            analytics.lose(names)
            return NOTHING._replace(missing=ids)
        if mistake == DOUBLED:
            return NOTHING._replace(surplus=[analytics.double(name) for name in names])
        for booking in pair:
            analytics.show(booking.reference, *_WRONG[mistake](self._world, booking))
        return NOTHING._replace(differing=ids)


class Meanwhile:
    """Books that are reconciled while others go on booking."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._named = NOTHING
        self._arrived = self._batches = 0

    def reconcile(self, accounts: int) -> None:
        """The first node reconciles, while the second books one charge after the other, on `accounts` in turn.

        It does so until enough of them have arrived meanwhile, a few at a time, or it has named a difference.
        """
        opened = self._world.open_accounts(accounts)
        bills = (self._world.bill(opened[number % accounts]) for number in range(10_000))
        self._book(bills, until=lambda: self._batches >= _UNDER_WAY)
        self._batches = 0
        with threads(1) as pool:
            for _ in range(_AT_MOST):
                reconciled = pool.submit(self._world.reconcile, 0)
                self._book(bills, until=reconciled.done)
                self._named = reconciled.result()
                if self._named != NOTHING or self._batches >= _MEANWHILE:
                    return

    def _book(self, bills: Iterator[Booking], until: Callable[[], bool]) -> None:
        """One after the other, through the second node; how often analytics shows more than before is counted."""

        def booked() -> bool:
            self._world.book_one(next(bills), node=1)
            arrived = len(self._world.analytics.deliveries())
            self._batches += arrived > self._arrived
            self._arrived = arrived
            return until()

        poll(booked, _WITHIN_S, _ANOTHER_EVERY_S)

    def expect_none_named(self) -> None:
        """The report named no difference. AssertionError with what it named."""
        assert_that(self._named, equal_to(NOTHING))


def _another_product(than: str) -> str:
    return next(product for product in PRODUCTS if product != than)


def _sorted(report: Report) -> dict[str, list[str]]:
    return {kind: sorted(ids) for kind, ids in report._asdict().items()}
