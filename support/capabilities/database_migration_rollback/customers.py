"""Customers who issue, read and correct invoices all the while, and what each of them was told."""

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial

from hamcrest import assert_that, empty, equal_to

from support.capabilities.database_migration_rollback.client import Adapter, Invoice, Outcome
from support.errors import ProbeError
from support.polling import poll
from support.worlds.watches import Watch

_PAUSE_S = 0.01
_AT_LEAST = 10  # writes of each app, for a scenario to have been about them
_WITHIN_S = 10.0
_NEW = ("new", "NEW")  # what the invoices are called that come by the first app, and by the second: not the same


class Customers:
    """Writes through each of `apps` from a thread of its own; no two of them write the same invoice.

    `amounts` is what every invoice is worth by the last answer that it was written, in cents; those that stood in the
    database before are in it from the beginning, and those of them that were made in release 1 are corrected.
    """

    def __init__(self, apps: Sequence[Adapter], amounts: dict[str, int]) -> None:
        self._apps = apps
        old = (name for name in amounts if name.startswith("old-"))
        self._old = sorted(old, key=lambda name: int(name.rpartition("-")[2]))
        self._lock = threading.Lock()
        self.amounts = dict(amounts)
        self.complaints: list[str] = []
        self.written: Counter[str] = Counter()
        self._watches: list[Watch] = []

    def begin(self) -> None:
        """Begins, and returns when each app has written something."""
        for turn, app in enumerate(self._apps):
            self._watches.append(Watch(partial(self._one, turn, app, itertools.count(1)), _PAUSE_S))
        self.await_more()

    def await_more(self, count: int = _AT_LEAST) -> None:
        """Returns when each app has written `count` more than now. ProbeError when the machine is too slow for that."""
        goals = {app.name: self.written[app.name] + count for app in self._apps}
        if not poll(
            lambda: self.complaints or all(self.written[name] >= goal for name, goal in goals.items()), _WITHIN_S
        ):
            raise ProbeError(f"customers wrote {dict(self.written)}, and not {goals}")

    def end(self) -> None:
        """Returns when the last answer is there; raises what kept a customer from asking."""
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.end()

    def close(self) -> None:
        """Ends, whatever was raised."""
        for watch in self._watches:
            watch.stop()

    def expect_none_wronged(self) -> None:
        """Nobody was told that it cannot be done, or another amount than the last. AssertionError with the first."""
        assert_that(self.complaints[:5], empty(), f"what customers complain of, {len(self.complaints)} times")

    def expect_kept(self, found: list[tuple[str, int]], where: str) -> None:
        """`found`, reference and cents of each invoice, is what they were told. AssertionError with what differs."""
        there = Counter(found)
        expected = Counter(self.amounts.items())
        assert_that(sorted((expected - there).items())[:5], equal_to([]), f"lost or changed, {where}")
        assert_that(sorted((there - expected).items())[:5], equal_to([]), f"never written so, {where}")

    def _one(self, turn: int, app: Adapter, numbers: "itertools.count[int]") -> None:
        """One visit. An answer that should not have been given is a reason to complain, and to come again."""
        try:
            self._visit(turn, app, next(numbers))
        except AssertionError as error:
            self._complain(str(error))

    def _visit(self, turn: int, app: Adapter, number: int) -> None:
        """One new invoice, at times for nothing, and one that was there: it is read, and gets another amount.

        Those that were there come from both ends of the table in turn.
        """
        cents = 100 * number + turn if number % 5 else 0
        self._write(app, f"{_NEW[turn]}-{number}", cents, is_new=True)
        own = self._old[turn :: len(self._apps)]
        if own:
            place = number // 2 if number % 2 else -1 - number // 2
            self._read(app, own[place % len(own)])
            self._write(app, own[place % len(own)], 1_000_000 + number, is_new=False)

    def _read(self, app: Adapter, reference: str) -> None:
        """No other customer writes this invoice, so its amount is the one that is known."""
        shown = app.read(reference)
        if not isinstance(shown, Invoice) or shown.cents != self.amounts[reference]:
            self._complain(f"{app.name} shows {shown} for {reference}, and not {self.amounts[reference]} cents")

    def _write(self, app: Adapter, reference: str, cents: int, is_new: bool) -> None:
        outcome = app.issue(reference, cents) if is_new else app.correct(reference, cents)
        if outcome is not Outcome.DONE:
            what = "issuing" if is_new else "correcting"
            return self._complain(f"{what} {reference} through {app.name}: {outcome}")
        with self._lock:
            self.amounts[reference] = cents
            self.written[app.name] += 1

    def _complain(self, of: str) -> None:
        with self._lock:
            self.complaints.append(of)
