"""Charges at a steady rate, timed: beside each store alone on the same path, and beside those before an outage."""

import time
from collections.abc import Sequence
from statistics import median, quantiles

from hamcrest import assert_that, only_contains

from support.capabilities.database_transaction_coordination.bare_inserts import BareClickHouse, BarePostgres
from support.capabilities.database_transaction_coordination.client import Booking, Outcome, Report
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.differences import NOTHING
from support.containers.fleet import SUITE
from support.errors import FleetError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.watches import Watch
from support.worlds.world import wait_until

Span = tuple[float, float]  # from one moment to another
_ARRIVED_WITHIN_S = 30.0  # so long is waited for the last one; how long it may take is judged by the ratio
_AT_ONCE = 8
_ALONE_EVERY_S = 0.05
_LOOK_EVERY_S = 0.02
# A row into both stores alone takes some hundredths of a second, and on a busy machine a tenth; a stall some tenths.
_STOOD_STILL_S = 0.25


class Standstills:
    """When a store alone stood still, or the machine: what was under way then says nothing of the platform."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def note(self, began: float, took_s: float) -> None:
        """What a row into a store alone took, from that moment on."""
        if took_s > _STOOD_STILL_S:
            self._spans.append((began, began + took_s))

    def undisturbed(self, spans: Sequence[Span]) -> Sequence[Span]:
        """Those in which nothing stood still; all, where these are not even half of them.

        A stall touches whatever comes while it lasts, but few of the rows of a store alone, which come one by one.
        """
        still = self._spans
        undisturbed = [one for one in spans if not any(one[0] < end and began < one[1] for began, end in still)]
        return undisturbed if 2 * len(undisturbed) >= len(spans) else spans


class ChargeRate:
    """How long booking takes, before something happens and after. All times are in seconds."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._taken: list[list[Span]] = []
        self._standstills = Standstills()
        self._delivered: list[list[float]] = []
        self._reports: list[Report | Outcome] = []

    def book(self, count: int, rate: float) -> None:
        """Books `count` charges, `rate` each second, whether the one before is booked or not."""
        bills, nodes, began = self._world.bills(count), len(self._world.nodes), time.monotonic()

        def book(number: int) -> Span:
            wait_until(began + number / rate)
            at = time.monotonic()
            self._world.book_one(bills[number], number % nodes)
            return at, time.monotonic()

        with threads(_AT_ONCE) as pool:
            self._taken.append(list(pool.map(book, range(count))))

    def book_while_reconciling(self, count: int, rate: float) -> None:
        """The same, while each node is asked once to reconcile the customer's books; PostgreSQL alone is watched."""
        watch = self._watch_postgres_alone()
        with threads(len(self._world.nodes)) as pool:
            reports = [pool.submit(node.reconcile, self._world.session) for node in self._world.nodes]
            self.book(count, rate)
        self._reports = [report.result() for report in reports]
        watch.end()

    def expect_no_difference(self) -> None:
        """Each node named no difference, or said that it could not tell. AssertionError if one named any."""
        assert_that(self._reports, only_contains(NOTHING, Outcome.UNAVAILABLE))

    def deliver(self, count: int) -> None:
        """Books `count` charges, each when analytics has the one before. AssertionError when one does not arrive."""
        analytics, taken = self._world.analytics, []
        for number, bill in enumerate(self._world.bills(count)):
            began = time.monotonic()
            self._world.book_one(bill, number % len(self._world.nodes))
            arrived = poll(lambda: bill.reference in analytics.deliveries(), _ARRIVED_WITHIN_S, _LOOK_EVERY_S)  # noqa: B023
            must(arrived, f"{bill} had not arrived after {_ARRIVED_WITHIN_S:g} s")
            taken.append(time.monotonic() - began)
        self._delivered.append(taken)

    def expect_delivered_as_before(self, times: float) -> None:
        """Half of what was delivered last took at most `times` as long as half of that before. AssertionError if not.

        One after the other they wait a whole turn each, so that a node that looks seldom makes all of them slow.
        """
        before, now = map(median, self._delivered)
        told = (
            f"half arrived after {now:.2f} s and more, and half after {before:.2f} s before: {now / before:.1f} times"
        )
        must(now <= times * before, f"{told}, expected at most {times:g} times")

    def expect_as_before(self, more_s: float) -> None:
        """What 3 in 4 charges take at most is at most twice that of the time before, and `more_s`. AssertionError."""
        undisturbed = map(self._standstills.undisturbed, self._taken)
        before, now = (quantiles(_lengths(spans), n=4)[2] for spans in undisturbed)
        must(
            now <= 2 * before + more_s,
            f"3 in 4 charges took up to {now * 1000:.0f} ms, and {before * 1000:.0f} ms before; "
            f"expected at most {more_s * 1000:g} ms more than twice as long",
        )

    def _watch_postgres_alone(self) -> Watch:
        postgres = BarePostgres(_way_to("postgres", self._world))

        def look() -> None:
            began = time.monotonic()
            self._standstills.note(began, postgres.insert())

        return self._world.watch(look, _ALONE_EVERY_S, postgres)


class SteadyCharges:
    """Charges at a steady rate. All times are in seconds, and those of both stores alone are taken all the while."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._booking: list[Span] = []
        self._standstills = Standstills()
        self._acknowledged: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._alone: dict[str, list[float]] = {"PostgreSQL": [], "both stores": []}

    def run(self, count: int, rate: float) -> None:
        """Books `count` charges, `rate` each second, and returns when analytics has the last one.

        AssertionError when one is not booked, or has not arrived after 30 s.
        """
        bills = self._world.bills(count)
        watches = [self._watch_analytics(), self._watch_stores_alone()]
        began = time.monotonic()
        with threads(_AT_ONCE) as pool:
            booked = [pool.submit(self._book, number, began + number / rate, bills) for number in range(count)]
        for one in booked:
            one.result()
        poll(lambda: len(self._seen) >= count, _ARRIVED_WITHIN_S)
        for watch in watches:
            watch.end()
        must(len(self._seen) == count, f"{count - len(self._seen)} of {count} had not arrived after 30 s")

    def expect_half(self, booked_s: float, lag_s: float) -> None:
        """Half of the charges were booked within `booked_s`, and half lagged by `lag_s` at most. AssertionError if not.

        A machine that stalls makes few of them slow, and a store alone as well, which leaves much to a ratio.
        """
        for what, spans, bound in ("booked", self._booking, booked_s), ("in analytics", self._lags(), lag_s):
            seen = median(_lengths(spans))
            told = f"half were {what} after {seen * 1000:.1f} ms and more, expected {bound:g} s at most"
            must(seen <= bound, told)

    def expect_booking_ratio(self, percent: int, times: float) -> None:
        """The `percent`th percentile of booking is at most `times` that of PostgreSQL alone. AssertionError if not."""
        booking = self._standstills.undisturbed(self._booking)
        self._expect(_lengths(booking), "PostgreSQL", percent, times)

    def expect_arrival_ratio(self, percent: int, times: float, interval_s: float) -> None:
        """The same of the time from the answer until analytics has the charge, less `interval_s`; of both stores alone.

        A platform that batches is allowed that much to wait for the next batch, on however fast a machine.
        """
        lags = _lengths(self._standstills.undisturbed(self._lags()))
        self._expect([lag - interval_s for lag in lags], "both stores", percent, times)

    def _expect(self, sample: Sequence[float], store: str, percent: int, times: float) -> None:
        alone, seen = (quantiles(times_s, n=100)[percent - 1] for times_s in (self._alone[store], sample))
        must(
            seen <= times * alone,
            f"{percent} in 100 took up to {seen * 1000:.1f} ms: {seen / alone:.1f} times {store} alone "
            f"({alone * 1000:.1f} ms), expected at most {times:g} times",
        )

    def _lags(self) -> list[Span]:
        return [(at, self._seen[reference]) for reference, at in self._acknowledged.items()]

    def _book(self, number: int, due: float, bills: Sequence[Booking]) -> None:
        wait_until(due)
        began = time.monotonic()
        self._world.book_one(bills[number], number % len(self._world.nodes))
        self._acknowledged[bills[number].reference] = time.monotonic()
        self._booking.append((began, self._acknowledged[bills[number].reference]))

    def _watch_analytics(self) -> Watch:
        """Notes when each charge is first seen in analytics."""
        analytics = self._world.eyes_on_analytics()

        def look() -> None:
            for reference in analytics.deliveries().keys() - self._seen.keys():
                self._seen[reference] = time.monotonic()

        return self._world.watch(look, _LOOK_EVERY_S, analytics)

    def _watch_stores_alone(self) -> Watch:
        """Takes the time of a row into PostgreSQL, then ClickHouse, and back, with no platform in between."""
        postgres = BarePostgres(_way_to("postgres", self._world))
        clickhouse = BareClickHouse(_way_to("clickhouse", self._world))

        def look() -> None:
            began, committed_s = time.monotonic(), postgres.insert()
            both_s = committed_s + clickhouse.insert_and_read()
            self._alone["PostgreSQL"].append(committed_s)
            self._alone["both stores"].append(both_s)
            self._standstills.note(began, both_s)

        return self._world.watch(look, _ALONE_EVERY_S, postgres, clickhouse)


def _way_to(store: str, world: Customer) -> tuple[str, int]:
    """The way through the proxy that is the suite's own."""
    fleet = world.fleet
    if fleet.toxiproxy is None:
        raise FleetError("speed is compared through the proxy, and the fleet has none")
    return fleet.toxiproxy.address(fleet.links[f"{store}:{SUITE}"])


def _lengths(spans: Sequence[Span]) -> list[float]:
    return [end - began for began, end in spans]
