"""The plan of a run: every scenario that was selected, and what each feature of the project is worth.

It is on disk before the first container starts, so that whoever finds a dead run knows what it owed.
"""

import re
from collections.abc import Iterable
from typing import TypedDict


class PlannedScenario(TypedDict):
    """A selected scenario. `scenario` is feature path:line; `id` survives line moves; `mrr` and `saving` in USD."""

    id: str
    scenario: str
    name: str
    capability: str
    tier: int
    tags: list[str]
    mrr: int
    saving: int


class PlannedFeature(TypedDict):
    """A feature of the project, selected or not. `scenarios` counts all it has; `problem` is what its tags lack."""

    capability: str
    path: str
    title: str
    tier: int
    mrr: int
    saving: int
    scenarios: int
    problem: str | None


class Plan(TypedDict):
    """What a run set out to do. `began` is ISO 8601 UTC; `tags` the tag expression as it was understood."""

    run: str
    began: str
    tags: str
    features: list[PlannedFeature]
    scenarios: list[PlannedScenario]


def slug(text: str) -> str:
    """`text` in lower case with a dash for whatever is neither letter nor digit."""
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")


def clash(scenarios: Iterable[PlannedScenario]) -> str | None:
    """Names two scenarios that have the same id, or None."""
    seen: dict[str, PlannedScenario] = {}
    for one in scenarios:
        other = seen.setdefault(one["id"], one)
        if other is not one:
            return f"{other['scenario']} and {one['scenario']} have the same id, {one['id']}: rename one of them"
    return None
