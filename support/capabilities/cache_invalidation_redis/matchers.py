"""Prices that were shown, held against those that are true."""

from collections.abc import Mapping

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

_SHOWN = 5
Prices = Mapping[str, int | None]


class Shows(BaseMatcher[Prices]):
    """Matches product -> cents (None where there is none) when each product has the price of `wanted`, and no other."""

    def __init__(self, wanted: Prices) -> None:
        self._wanted = dict(wanted)

    def _matches(self, item: Prices) -> bool:
        return dict(item) == self._wanted

    def describe_to(self, description: Description) -> None:
        description.append_text(f"the true prices of {len(self._wanted)} products")

    def describe_mismatch(self, item: Prices, mismatch_description: Description) -> None:
        wrong = {p: (cents, item.get(p)) for p, cents in self._wanted.items() if p not in item or item[p] != cents}
        wrong |= {p: (None, item[p]) for p in item.keys() - self._wanted.keys()}
        some = "; ".join(f"{p} costs {true}, shown was {shown}" for p, (true, shown) in list(wrong.items())[:_SHOWN])
        mismatch_description.append_text(f"{len(wrong)} were wrong: {some}{'; …' if len(wrong) > _SHOWN else ''}")


def shows(wanted: Prices) -> Shows:
    """A matcher for the prices `wanted`; its mismatch counts the wrong ones and names the first five."""
    return Shows(wanted)
