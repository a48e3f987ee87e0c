"""Analytics that is not as billing believes: rows that differ, a charge that it refuses, a table that has changed."""

from hamcrest import assert_that, contains_string, equal_to

from support.clients.database_transaction_coordination import Booking, Report
from support.polling import poll
from support.worlds.database_customer import Customer

_UNKNOWN_PRODUCT = "gift-card"  # billing takes any product, analytics has a list


class Differences:
    """Rows of analytics that somebody has deleted, altered and doubled behind the platform's back."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._planted = Report([], [], [])
        self._reported = Report([], [], [])

    def plant(self, lost: int, false: int) -> None:
        """Deletes `lost` charges, alters `false` others, and writes one more a second time."""
        references = [booking.reference for booking in self._world.booked]
        gone, altered = references[:lost], references[lost : lost + false]
        self._world.analytics.lose(gone)
        self._world.analytics.falsify(altered)
        other = self._world.analytics.double(references[lost + false])
        ids = self._world.books.ids()
        self._planted = Report([ids[name] for name in gone], [ids[name] for name in altered], [other])

    def reconcile(self) -> None:
        """Has the books reconciled, by the first node."""
        self._reported = self._world.nodes[0].reconcile()

    def expect_named(self, count: int) -> None:
        """The report names the `count` charges that differ, each as what it is, and no other. AssertionError if not."""
        assert_that(sum(map(len, self._planted)), equal_to(count), "differences that were planted")
        assert_that(_sorted(self._reported), equal_to(_sorted(self._planted)))

    def expect_nothing_left(self) -> None:
        """Once more, by the second node: no difference is named, and no row is written. AssertionError if not."""
        self._world.analytics.keep_all_deliveries()
        rows = self._world.analytics.deliveries()
        assert_that(self._world.nodes[1].reconcile(), equal_to(Report([], [], [])))
        assert_that(self._world.analytics.deliveries(), equal_to(rows), "rows of each charge, though nothing differed")


class Poison:
    """One charge that billing takes and analytics does not."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._refused: list[Booking] = []

    def book(self, others: int) -> None:
        """Books that charge first, and then `others` on both accounts. AssertionError when one is not booked."""
        self._refused = [self._world.bill(self._world.accounts[0], product=_UNKNOWN_PRODUCT)]
        self._world.book(self._refused)
        self._world.book(self._world.bills(others))

    def expect_others_shown(self, within_s: float) -> None:
        """Within `within_s` analytics shows all the others. AssertionError if not."""
        self._world.expect_shown(within_s, but=self._refused)

    def expect_put_aside(self, tries: int) -> None:
        """It is put aside after so many tries, and each node shows it with a reason that names the product."""
        (refused,) = self._refused
        poll(lambda: self._world.books.outbox(put_aside=True), within_s=5)
        assert_that(self._world.books.outbox(put_aside=True), equal_to([refused.reference]), "what is put aside")
        id = self._world.books.ids()[refused.reference]
        for node in self._world.nodes:
            shown = node.put_aside()
            assert_that({name: count for name, (count, _) in shown.items()}, equal_to({id: tries}), node.name)
            assert_that(shown[id][1], contains_string(_UNKNOWN_PRODUCT), f"the reason, by {node.name}")

    def expect_only_difference(self) -> None:
        """Nothing waits, and analytics shows all but that one. AssertionError if not."""
        assert_that(self._world.books.outbox(), equal_to([]), "what waits for analytics")
        self._world.expect_shown(within_s=0, but=self._refused)


class Change:
    """A table of analytics that somebody has changed."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._changes = {
            "has lost a column": world.analytics.lose_a_column,
            "keeps amounts as floating-point numbers": world.analytics.keep_amounts_as_floats,
        }

    def make(self, change: str) -> None:
        """Makes the change that the feature calls so."""
        self._changes[change]()

    def expect_alert(self, within_s: float) -> None:
        """Within `within_s` one node at least raises the alert, the one that found out. AssertionError if none does."""
        raised = poll(self._alerts, within_s)
        assert raised, f"no node raised an alert within {within_s:g} s"

    def expect_waiting(self, count: int, window_s: float) -> None:
        """For `window_s` all `count` charges wait, and none is put aside or delivered. AssertionError if not."""
        booked = [booking.reference for booking in self._world.booked]
        lost = poll(lambda: set(booked) - set(self._world.books.outbox()), window_s, every_s=0.1)
        assert_that(len(booked), equal_to(count), "charges that were booked")
        assert not lost, f"{len(lost)} no longer wait: {sorted(lost)[:5]}"

    def expect_over(self, within_s: float) -> None:
        """Within `within_s` after the change is taken back nothing waits, and no alert is raised any more."""
        self._world.analytics.restore()
        self._world.expect_none_waits(within_s)
        poll(lambda: not self._alerts(), within_s)
        assert_that(self._alerts(), equal_to([]), f"nodes that still raise the alert after {within_s:g} s")

    def _alerts(self) -> list[str]:
        return [node.name for node in self._world.nodes if node.alerts_of_drift()]


def _sorted(report: Report) -> dict[str, list[str]]:
    return {kind: sorted(ids) for kind, ids in report._asdict().items()}
