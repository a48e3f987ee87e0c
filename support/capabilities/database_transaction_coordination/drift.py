"""Analytics that is not as billing believes: a charge that it refuses, a table that has changed."""

from hamcrest import assert_that, contains_string, equal_to

from support.capabilities.database_transaction_coordination.client import Booking
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.differences import NOTHING
from support.polling import poll
from support.promise import must

_UNKNOWN_PRODUCT = "gift-card"  # billing takes any product, analytics has a list


class Poison:
    """One charge that billing takes and analytics does not."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._refused: list[Booking] = []

    def book(self, others: int) -> None:
        """Books that charge first, and then `others` on both accounts. AssertionError when one is not booked.

        The next one after it is of its own account. Another customer has such a charge too, which is nobody else's
        business.
        """
        self._refused = [self._world.bill(self._world.accounts[0], product=_UNKNOWN_PRODUCT)]
        self._world.book(self._refused)
        first, *more = self._world.bills(others)  # this begins with the account of the refused one
        self._world.book_one(first, node=1)
        self._world.book(more)
        stranger = self._world.another()
        stranger.book([stranger.bill(product=_UNKNOWN_PRODUCT)])

    def expect_others_shown(self, within_s: float) -> None:
        """Within `within_s` analytics shows all the others. AssertionError if not."""
        self._world.expect_shown(within_s, but=self._refused)

    def expect_put_aside(self, tries: int) -> None:
        """It is put aside after so many tries, and each node shows it with a reason that names the product."""
        (refused,) = self._refused
        poll(lambda: self._world.books.outbox(put_aside=True), within_s=5)
        assert_that(self._world.books.outbox(put_aside=True), equal_to([refused.reference]), "what is put aside")
        id = self._world.books.ids()[refused.reference]
        for number, node in enumerate(self._world.nodes):
            shown = self._world.put_aside(number)
            assert_that({name: one.tries for name, one in shown.items()}, equal_to({id: tries}), node.name)
            assert_that(shown[id].reason, contains_string(_UNKNOWN_PRODUCT), f"the reason, by {node.name}")

    def expect_no_other_try(self, tries: int) -> None:
        """A charge after it arrives on each account, and it had `tries` before, and no other. AssertionError if not."""
        self._world.book(self._world.bills(2))
        self._world.expect_shown(within_s=5, but=self._refused)
        (refused,) = self._refused
        assert_that(self._world.books.tries(), equal_to({refused.reference: tries}), "tries of what is put aside")

    def expect_only_difference(self) -> None:
        """Nothing waits, by each node too; analytics shows all but that one, which reconciling does not name."""
        assert_that(self._world.books.outbox(), equal_to([]), "what waits for analytics")
        poll(lambda: self._waiting() == [0, 0], within_s=5)
        assert_that(self._waiting(), equal_to([0, 0]), "waiting, by both nodes")
        unknown = self._world.reconcile(node=1)
        assert_that(unknown, equal_to(NOTHING), "differences that nobody knows of yet")
        self._world.expect_shown(within_s=0, but=self._refused)

    def _waiting(self) -> list[int]:
        return [node.waiting() for node in self._world.nodes]


class TableChange:
    """A table of analytics that somebody has changed."""

    def __init__(self, world: Customer) -> None:
        self._world = world

    def expect_alert(self, within_s: float) -> None:
        """Within `within_s` one node at least raises the alert, the one that found out. AssertionError if none does."""
        raised = poll(self._alerts, within_s)
        must(raised, f"no node raised an alert within {within_s:g} s")

    def expect_no_alert(self) -> None:
        """No node raises the alert. AssertionError with those that do."""
        assert_that(self._alerts(), equal_to([]), "nodes that raise the alert")

    def expect_waiting(self, count: int, window_s: float) -> None:
        """For `window_s` all `count` charges wait, and no try counts against any. AssertionError if not."""
        wanted = {booking.reference: 0 for booking in self._world.booked}
        assert_that(len(wanted), equal_to(count), "charges that were booked")
        poll(lambda: self._world.books.tries() != wanted, window_s, every_s=0.1)
        assert_that(self._world.books.tries(), equal_to(wanted), "what waits, and tries that count against it")
        assert_that(self._world.books.outbox(put_aside=True), equal_to([]), "what was put aside")

    def expect_over(self, within_s: float) -> None:
        """Within `within_s` after the change is taken back nothing waits, and no alert is raised any more."""
        self._world.analytics.restore()
        self._world.expect_none_waits(within_s)
        poll(lambda: not self._alerts(), within_s)
        assert_that(self._alerts(), equal_to([]), f"nodes that still raise the alert after {within_s:g} s")

    def _alerts(self) -> list[str]:
        return [node.name for node in self._world.nodes if node.alert_is_raised()]
