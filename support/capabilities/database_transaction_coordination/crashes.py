"""Nodes that die, and answers that are lost, at the moment when two stores are about to disagree."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hamcrest import assert_that, equal_to, has_entry, has_item, only_contains

from support.capabilities.database_transaction_coordination.client import Booking, Outcome
from support.capabilities.database_transaction_coordination.customer import Customer
from support.errors import FaultError
from support.polling import poll
from support.worlds.crowds import threads
from support.worlds.world import wait_until

_REACHED_WITHIN_S = 20.0  # for the moment that is waited for
_AT_ONCE_S = 0.01
_TOLD_WITHIN_S = 0.5
_TRIES = 4  # to break a connection in time, on a machine that may be busy
_LATE_S = 0.2  # so late the first node's requests reach billing, when it is to be cut off before a commit


class Crash:
    """One charge that comes to grief, of the first node, and how far it had come by then."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._faults = world.faults
        self._held_against: dict[str, int] = {}

    # What happens

    def before_commit(self) -> None:
        """The node dies when it has written something of a charge, and not committed it.

        A charge that it commits in time is one like any other, and the next one is tried. AssertionError when a part of
        a charge was committed, FaultError when all of each was.
        """
        for _ in range(_TRIES):
            if self._cut_before_commit():
                self._faults.kill("node-1")
                return
            self._faults.join("postgres", "node-1")
            self._faults.slow("postgres", "node-1", _LATE_S, stream="upstream")
        raise FaultError(f"in {_TRIES} tries the first node was cut off too late: its charges were committed")

    def and_restart(self) -> None:
        """The node says that it booked a charge, is killed and started again."""
        self._world.book_one(self._world.bill(), node=0)
        self._faults.relaunch("node-1")

    def after_delivery(self) -> None:
        """ClickHouse takes a charge, its answer is lost, and the node dies."""
        self._lose_answer(self._faults.mute)
        self._faults.kill("node-1")

    def answer_lost_for(self, lost_s: float) -> None:
        """ClickHouse takes a charge, and for `lost_s` seconds from then on none of its answers reaches the node.

        They are held, not dropped: that of the next try comes when all is well again, and so that try succeeds.
        """
        books = self._world.eyes_on_books()
        self._watch = self._world.watch(lambda: self._held_against.update(books.tries()), _AT_ONCE_S, books)
        held = self._lose_answer(self._faults.hold)
        wait_until(held + lost_s)

    # What must hold

    def expect_waiting_though_delivered(self) -> None:
        """The charge is in the outbox, although analytics has taken it. AssertionError if not."""
        (charge,) = self._world.booked
        assert_that(self._world.books.outbox(), has_item(charge.reference), "what waits, of what was not confirmed")
        assert_that(self._world.analytics.bookings(), equal_to([charge]), "analytics")

    def expect_nothing_counted_against_it(self) -> None:
        """The outbox never counted a try as refused: analytics refused nothing. AssertionError if it did."""
        (charge,) = self._world.booked
        self._watch.end()
        assert_that(self._held_against, equal_to({charge.reference: 0}), "tries that counted as refused")

    def _cut_before_commit(self) -> bool:
        """Cuts the first node off from billing while it writes a charge; whether that was before the commit.

        A kill takes some tenths of a second, and longer on a busy machine; its way is cut at once, and all that is
        under way there is lost.
        """
        with self._attempt() as charge:
            reach(self._world.books.uncommitted, "the first node has written part of a charge")
            self._faults.cut("postgres", "node-1")
            reach(lambda: not self._world.books.uncommitted(), "PostgreSQL has noticed that the node is gone")
            # Time for a node that tells analytics of what it has not committed.
            poll(lambda: charge.reference in self._world.analytics.deliveries(), _TOLD_WITHIN_S)
        booked = self._world.books.bookings()
        if charge not in booked:
            return True
        paid = sum(booking.cents for booking in booked if booking.account == charge.account)
        assert_that(self._world.books.balances(), has_entry(charge.account, paid), "balances, when it was cut off")
        self._world.booked.append(charge)
        return False

    def _lose_answer(self, fault: Callable[..., None]) -> float:
        """Books a charge; returns when ClickHouse has it, and the node has not heard and does not hear of that.

        An INSERT begins, the server asks for the rows, and these come later on a slow way: that is when answers
        are cut off, by `fault`. Since when they are, by the monotonic clock, is what is returned.
        """
        charge = self._world.bill()
        self._world.book_one(charge, node=0)
        analytics = self._world.analytics
        reach(analytics.is_being_written, "the first node has begun to write to analytics")
        since = time.monotonic()
        fault("clickhouse", "node-1", during=analytics.is_being_written)
        reach(lambda: charge.reference in analytics.deliveries(), "analytics has the charge")
        return since

    @contextmanager
    def _attempt(self) -> Iterator[Booking]:
        """A charge that the first node is asked to book, and may be prevented from answering."""
        charge = self._world.bill()
        with threads(1) as pool:
            answer = pool.submit(self._world.nodes[0].charge, self._world.session, charge)
            yield charge
            with suppress(AssertionError):  # that a dead node gives no answer breaks no promise
                answer.result()


class LostCommits:
    """A charge and a refund that billing has, and the node that asked for them cannot know it."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._told: list[Outcome] = []

    def lose_answers(self, within_s: float) -> None:
        """Billing commits a charge of the first node, then a refund, and within `within_s` the connections break.

        Billing's answers are as late as that, so each time the answer is lost.
        """
        account = self._world.accounts[0]
        for cents in 1_000, -50:
            tries = (self._break_after_commit(self._world.bill(account, cents=cents), within_s) for _ in range(_TRIES))
            if not any(tries):
                raise FaultError(f"in {_TRIES} tries the connections did not break within {within_s:g} s")

    def expect_not_rejected(self) -> None:
        """What was booked was not called rejected, nor to be tried again. AssertionError if it was."""
        assert_that(self._told, only_contains(Outcome.BOOKED, Outcome.UNAVAILABLE))

    def _break_after_commit(self, booking: Booking, within_s: float) -> bool:
        """Breaks the connections of the first node when billing has `booking`; whether that was in time."""
        unseen = time.monotonic()

        def there() -> bool:
            nonlocal unseen
            asked = time.monotonic()
            if booking in self._world.books.bookings():
                return True
            unseen = asked
            return False

        with threads(1) as pool:
            answer = pool.submit(self._world.ask_for, booking, 0)
            reach(there, "billing has a booking of the first node")
            self._world.faults.drop("postgres", "node-1")
            in_time = time.monotonic() - unseen < within_s
        self._world.booked.append(booking)
        self._told.append(answer.result())
        return in_time


def reach(moment: Callable[[], bool], what: str) -> None:
    """Returns at the moment that is waited for. FaultError when it does not come."""
    if not poll(moment, _REACHED_WITHIN_S, every_s=_AT_ONCE_S):
        raise FaultError(f"expected that {what}, which did not happen within {_REACHED_WITHIN_S:g} s")
