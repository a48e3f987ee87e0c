"""Which of all mutants a proof takes: those of what changed, a sample of the others, a share, what fits a time."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby

from support.proof.changes import Changes
from support.proof.mutants import Mutant
from support.proof.shards import expected_s
from support.run.shares import Share, shared_out

_FLEET_S = 8.0  # for a capability: its fleet, come and gone
Key = tuple[str, str]


@dataclass(frozen=True)
class Choice:
    """The mutants of a proof, those that other shares take, and sentences about how they were chosen.

    `urgent` are the capabilities that have changed themselves; `known` are all mutants of which verdicts are kept.
    """

    mutants: list[Mutant]
    others: list[Mutant] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    urgent: frozenset[str] = frozenset()
    known: frozenset[Key] = frozenset()


def key_of(mutant: Mutant) -> Key:
    """What a mutant goes by in the matrix."""
    return mutant.capability, mutant.id


def changed_and_sampled(pool: Sequence[Mutant], changes: Changes | None, sample: int, day: date) -> Choice:
    """Those of `pool` that `changes` may touch, first, and `sample` of the rest; without either, all of it."""
    if changes is None and not sample:
        return Choice(list(pool))
    told: list[str] = []
    found: list[Mutant] = []
    if changes is not None:
        found = [mutant for mutant in pool if changes.shared or mutant.capability in changes.capabilities]
        found.sort(key=lambda mutant: mutant.capability not in changes.capabilities)
        told.append(_of_changes(changes, found))
    more = _of_the_day(pool, set(map(key_of, found)), sample, day)
    if sample:
        told.append(f"the sample of {day}: {_by_capability(more) or 'none, because no others are left'}")
    return Choice([*found, *more], told=told, urgent=changes.capabilities if changes else frozenset())


def shared(choice: Choice, share: Share | None, took: Mapping[str, float]) -> Choice:
    """The part of `choice` that is the share's; those of one capability stay together as far as lengths allow."""
    if share is None:
        return choice
    shares = shared_out(_bundles(choice.mutants, share.of, took), share.of, lambda bundle: _seconds(bundle, took))
    own, *others = [[mutant for bundle in one for mutant in bundle] for one in _own_first(shares, share.number)]
    rest = [mutant for one in others for mutant in one]
    told = [*choice.told, f"share {share}: {len(own)} of {len(own) + len(rest)} mutants"]
    return replace(choice, mutants=own, others=rest, told=told)


def fitting(choice: Choice, seconds: float, day: date, took: Mapping[str, float], proved: Mapping[Key, str]) -> Choice:
    """What of `choice` fits `seconds` of one fleet: first of what has changed, then what was `proved` longest ago.

    `proved` has the dates (ISO 8601) of the mutants that were; among equals the `day` decides, so that there are some
    of each capability. At least one is taken.
    """

    def rank(mutant: Mutant) -> tuple[bool, str, bytes]:
        return mutant.capability not in choice.urgent, proved.get(key_of(mutant), ""), _mixed(mutant, str(day))

    order = sorted(choice.mutants, key=rank)
    count = _count_that_fits(order, seconds, took)
    kept, left = order[:count], order[count:]
    if not left:
        return choice
    told = f"{len(left)} do not fit the time, and keep their last verdicts: {_counted(left)}"
    return replace(choice, mutants=kept, told=[*choice.told, told])


def _of_changes(changes: Changes, found: Collection[Mutant]) -> str:
    if changes.shared:
        more = f" and {len(changes.shared) - 3} more" if len(changes.shared) > 3 else ""
        return f"all {len(found)} mutants, because what all rest on has changed: {', '.join(changes.shared[:3])}{more}"
    if not changes.capabilities:
        return "nothing that a verdict rests on has changed"
    return f"{len(found)} mutants of what has changed: {', '.join(sorted(changes.capabilities))}"


def _of_the_day(pool: Sequence[Mutant], taken: set[Key], sample: int, day: date) -> list[Mutant]:
    """`sample` mutants that are not `taken`. All stand in a ring, and each day begins where the day before ended.

    The ring is mixed, so that every sample is of many capabilities.
    """
    ring = sorted(pool, key=_mixed)
    start = day.toordinal() * sample % len(ring) if ring else 0
    others = (mutant for mutant in [*ring[start:], *ring[:start]] if key_of(mutant) not in taken)
    return [mutant for mutant, _ in zip(others, range(sample), strict=False)]


def _mixed(mutant: Mutant, salt: str = "") -> bytes:
    """A key by which mutants are sorted as if they were shuffled, always alike for the same `salt`."""
    return hashlib.sha256("/".join((salt, *key_of(mutant))).encode()).digest()


def _bundles(mutants: Iterable[Mutant], of: int, took: Mapping[str, float]) -> list[list[Mutant]]:
    """What is not to be torn apart: a capability's mutants, or where they are longer than a share, parts of them."""
    order = sorted(mutants, key=lambda mutant: (mutant.capability, mutant.scenarios))
    limit = _seconds(order, took) / of / 2
    bundles: list[list[Mutant]] = []
    for mutant in order:
        if bundles and bundles[-1][0].capability == mutant.capability and _seconds(bundles[-1], took) < limit:
            bundles[-1].append(mutant)
        else:
            bundles.append([mutant])
    return bundles


def _own_first(shares: list[list[list[Mutant]]], number: int) -> list[list[list[Mutant]]]:
    return [shares[number - 1], *shares[: number - 1], *shares[number:]]


def _seconds(mutants: Iterable[Mutant], took: Mapping[str, float]) -> float:
    return sum(expected_s(mutant.scenarios, took) for mutant in mutants)


def _count_that_fits(order: Sequence[Mutant], seconds: float, took: Mapping[str, float]) -> int:
    """How many, from the first on, take `seconds`: a fleet for each capability and the unchanged platform included."""
    capabilities: set[str] = set()
    scenarios: set[str] = set()
    used = 0.0
    for count, mutant in enumerate(order):
        new = {*mutant.scenarios} - scenarios
        used += expected_s(mutant.scenarios, took) + sum(took.get(key, 0.0) for key in new)
        used += 0.0 if mutant.capability in capabilities else _FLEET_S
        if used > seconds and count:
            return count
        capabilities.add(mutant.capability)
        scenarios |= new
    return len(order)


def _by_capability(mutants: Iterable[Mutant]) -> str:
    order = sorted(mutants, key=key_of)
    grouped = groupby(order, lambda mutant: mutant.capability)
    return "; ".join(f"{capability}: {', '.join(mutant.id for mutant in its)}" for capability, its in grouped)


def _counted(mutants: Iterable[Mutant]) -> str:
    counts = Counter(mutant.capability for mutant in mutants)
    return ", ".join(f"{number} of {capability}" for capability, number in sorted(counts.items()))
