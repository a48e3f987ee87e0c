"""The same charges on both sides, once each: what one store has, held against what was booked."""

from collections import Counter
from collections.abc import Sequence

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from support.capabilities.database_transaction_coordination.client import Booking

_SHOWN = 5


class SameBookings(BaseMatcher[Sequence[Booking]]):
    """Matches a store's bookings: all of `booked`, none twice, no others, each as it was booked; in any order."""

    def __init__(self, booked: Sequence[Booking]) -> None:
        self._booked = list(booked)

    def _matches(self, item: Sequence[Booking]) -> bool:
        return Counter(item) == Counter(self._booked)

    def describe_to(self, description: Description) -> None:
        total = sum(booking.cents for booking in self._booked)
        description.append_text(f"{len(self._booked)} bookings of {total} cents in all, once each")

    def describe_mismatch(self, item: Sequence[Booking], mismatch_description: Description) -> None:
        total = sum(booking.cents for booking in item)
        mismatch_description.append_text(f"{len(item)} of {total} cents: {_difference(self._booked, list(item))}")


def same_bookings(booked: Sequence[Booking]) -> SameBookings:
    """A matcher for the bookings that a store has; its mismatch names what is missing, doubled, foreign or changed."""
    return SameBookings(booked)


def _difference(booked: list[Booking], there: list[Booking]) -> str:
    wanted = {booking.reference: booking for booking in booked}
    counts = Counter(booking.reference for booking in there)
    changed = [booking for booking in there if booking != wanted.get(booking.reference, booking)]
    told = {
        "missing": [reference for reference in wanted if reference not in counts],
        "there more than once": [reference for reference, count in counts.items() if count > 1],
        "foreign": [reference for reference in counts if reference not in wanted],
        "changed": [f"{booking}, booked as {wanted[booking.reference]}" for booking in changed],
    }
    return "; ".join(f"{len(names)} {what} ({_some(names)})" for what, names in told.items() if names)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
