"""Work that several machines share: each does one share, and all are about as long as the history can tell.

Nothing but the standard library and the suite's own errors, because the launcher reads a share from the command line.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from support.errors import SelectionError

if TYPE_CHECKING:
    from support.ledger.plan import PlannedScenario

Thing = TypeVar("Thing")
_FLEET_S = 5.0  # for a feature: its fleet, come and gone
_USUAL_S = 2.0  # for a scenario of which no time is known


@dataclass(frozen=True)
class Share:
    """The share with `number` (from 1) `of` so many."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def share(text: str) -> Share:
    """The share that "2/4" means. Raises ValueError with the mend."""
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if match is None or int(match[1]) > int(match[2]):
        raise ValueError(f"expected K/N with K from 1 to N, such as 2/4 for the second of four shares, got {text!r}")
    return Share(int(match[1]), int(match[2]))


def features_of(share: Share, scenarios: "Iterable[PlannedScenario]", took: Mapping[str, float]) -> list[str]:
    """The capabilities in `share` of `scenarios`, each whole; `took` says how many seconds a scenario took before.

    Raises SelectionError when the share has none.
    """
    lengths: dict[str, float] = {}
    for scenario in scenarios:
        length = lengths.setdefault(scenario["capability"], _FLEET_S)
        lengths[scenario["capability"]] = length + took.get(scenario["id"], _USUAL_S)
    if share.number > len(lengths):
        most = len(lengths)
        raise SelectionError(
            f"share {share} is empty, because features stay whole and {most} of them are selected; "
            f"expected at most {most} shares, such as 1/{most}"
        )
    return shared_out(lengths, share.of, lengths.__getitem__)[share.number - 1]


def shared_out(things: Iterable[Thing], of: int, seconds: Callable[[Thing], float]) -> list[list[Thing]]:
    """`things` in `of` shares, in their order within each; the longest are given out first, to whoever has least."""
    order = list(things)
    shares: list[list[int]] = [[] for _ in range(of)]
    loads = [0.0] * of
    for place in sorted(range(len(order)), key=lambda place: -seconds(order[place])):
        least = loads.index(min(loads))
        shares[least].append(place)
        loads[least] += seconds(order[place])
    return [[order[place] for place in sorted(places)] for places in shares]
