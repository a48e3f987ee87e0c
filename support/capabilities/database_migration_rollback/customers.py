"""Customers who issue and correct invoices all the while, through both apps, and what each of them was told."""

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial

from hamcrest import assert_that, empty, equal_to

from support.capabilities.database_migration_rollback.client import Adapter, Outcome
from support.errors import ProbeError
from support.polling import poll
from support.worlds.watches import Watch

_PAUSE_S = 0.01
_AT_LEAST = 10  # writes of each app, for a scenario to have been about them
_WITHIN_S = 10.0


class Customers:
    """Writes through each of `apps` from a thread of its own; no two of them write the same invoice.

    `amounts` is what every invoice is worth by the last answer that it was written, in cents; those that stood in the
    database before are in it from the beginning.
    """

    def __init__(self, apps: Sequence[Adapter], amounts: dict[str, int]) -> None:
        self._apps = apps
        self._old = sorted(amounts, key=lambda name: int(name.rpartition("-")[2]))
        self._lock = threading.Lock()
        self.amounts = dict(amounts)
        self.refused: list[str] = []
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
        if not poll(lambda: self.refused or all(self.written[name] >= goal for name, goal in goals.items()), _WITHIN_S):
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

    def expect_none_refused(self) -> None:
        """Nobody was told that it cannot be done. AssertionError with the first ones."""
        assert_that(self.refused[:5], empty(), f"what was refused, of {len(self.refused)}")

    def expect_kept(self, found: list[tuple[str, int]], where: str) -> None:
        """`found`, reference and cents of each invoice, is what they were told. AssertionError with what differs."""
        there = Counter(found)
        expected = Counter(self.amounts.items())
        assert_that(sorted((expected - there).items())[:5], equal_to([]), f"lost or changed, {where}")
        assert_that(sorted((there - expected).items())[:5], equal_to([]), f"never written so, {where}")

    def _one(self, turn: int, app: Adapter, numbers: "itertools.count[int]") -> None:
        """One new invoice, and another amount for one that was there, from both ends of the table in turn."""
        number = next(numbers)
        self._write(app, f"new-{turn}-{number}", 100 * number + turn, is_new=True)
        own = self._old[turn :: len(self._apps)]
        if own:
            place = number // 2 if number % 2 else -1 - number // 2
            self._write(app, own[place % len(own)], 1_000_000 + number, is_new=False)

    def _write(self, app: Adapter, reference: str, cents: int, is_new: bool) -> None:
        outcome = app.issue(reference, cents) if is_new else app.correct(reference, cents)
        with self._lock:
            if outcome is Outcome.DONE:
                self.amounts[reference] = cents
                self.written[app.name] += 1
            else:
                self.refused.append(
                    f"{'issuing' if is_new else 'correcting'} {reference} through {app.name}: {outcome}"
                )
