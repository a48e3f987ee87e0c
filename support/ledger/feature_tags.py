"""What the tags of a feature say: its tier, its worth and its containers."""

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from support.errors import FeatureTagError

TIERS = range(1, 6)


@dataclass(frozen=True)
class Terms:
    """A feature's tier (1 to 5), what it earns or saves each month (USD, one of them 0), its kinds of containers."""

    tier: int
    mrr: int
    saving: int
    containers: tuple[str, ...]


def terms(tags: Iterable[str], services: Collection[str]) -> Terms:
    """Reads the tags of a feature; `services` are the kinds of containers that there are.

    Raises FeatureTagError unless there is exactly one tier, exactly one of @mrr.<USD> and @saving.<USD>, and a known
    service behind each @container.
    """
    tags = list(tags)
    tier = _only(tags, r"tier.*", "a tier: one of @tier1 to @tier5", r"tier([1-5])")
    worth = _only(tags, r"(?:mrr|saving)\b.*", "its worth: @mrr.<USD> or @saving.<USD>", r"((?:mrr|saving)\.\d+)")
    kind, _, amount = worth.partition(".")
    containers = tuple(tag.removeprefix("container.") for tag in tags if tag.startswith("container."))
    for name in containers:
        if name not in services:
            near = difflib.get_close_matches(name, services, 1)
            hint = f"; did you mean @container.{near[0]}?" if near else f"; there are {', '.join(sorted(services))}"
            raise FeatureTagError(f"@container.{name} names no service{hint}")
    return Terms(int(tier), int(amount) * (kind == "mrr"), int(amount) * (kind == "saving"), containers)


def _only(tags: Iterable[str], like: str, expected: str, exact: str) -> str:
    """The one tag that looks like `like`, as group 1 of `exact`."""
    found = [tag for tag in tags if re.fullmatch(like, tag)]
    match = re.fullmatch(exact, found[0]) if len(found) == 1 else None
    if match is None:
        seen = " and ".join(f"@{tag}" for tag in found) or "none"
        raise FeatureTagError(f"the feature needs exactly one tag for {expected}; it has {seen}")
    return match[1]
