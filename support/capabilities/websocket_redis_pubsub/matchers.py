"""Exactly once and in order: a list of received things held against the list of those that were sent."""

from collections import Counter
from collections.abc import Sequence

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

_SHOWN = 10


class ExactlyOnceInOrder(BaseMatcher[Sequence[int]]):
    """Matches the serial numbers that one receiver got: all of `sent`, none twice, no others, in this order."""

    def __init__(self, sent: Sequence[int]) -> None:
        self._sent = list(sent)

    def _matches(self, item: Sequence[int]) -> bool:
        return list(item) == self._sent

    def describe_to(self, description: Description) -> None:
        description.append_text(f"{len(self._sent)} updates, once each and in order")

    def describe_mismatch(self, item: Sequence[int], mismatch_description: Description) -> None:
        mismatch_description.append_text(f"got {len(item)}: {_difference(self._sent, list(item))}")


def exactly_once_in_order(sent: Sequence[int]) -> ExactlyOnceInOrder:
    """A matcher for the serial numbers `sent`; its mismatch names what was lost, doubled, foreign or out of order."""
    return ExactlyOnceInOrder(sent)


def _difference(sent: list[int], got: list[int]) -> str:
    sent_counts, got_counts = Counter(sent), Counter(got)
    told = {
        "lost": sorted(set(sent_counts) - set(got_counts)),
        "received more than once": sorted(n for n, count in got_counts.items() if count > 1 and n in sent_counts),
        "foreign": sorted(set(got_counts) - set(sent_counts)),
    }
    parts = [f"{len(numbers)} {what} {_some(numbers)}" for what, numbers in told.items() if numbers]
    return "; ".join(parts) or f"out of order from number {_first_difference(sent, got)} on"


def _first_difference(sent: list[int], got: list[int]) -> int:
    return next(place for place, pair in enumerate(zip(sent, got, strict=True), 1) if pair[0] != pair[1])


def _some(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    return f"({shown}{', …' if len(numbers) > _SHOWN else ''})"
