"""The plan of a run: every scenario that was selected, and what each feature of the project is worth.

It is on disk before the first container starts, so that whoever finds a dead run knows what it owed.
"""

import re
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from support.ledger.commit import Commit
from support.platforms.description import REFERENCE_NAME, Judged


class WrittenStep(TypedDict):
    """A step's keyword and sentence; `more` is the table or the text below it, or empty."""

    keyword: str
    text: str
    more: str


class WrittenScenario(TypedDict):
    """A scenario, or one row of an outline, with the steps of its background first. `id` is that of the ledger.

    `outline` is the title of the outline that it is a row of, as it is written.
    """

    id: str
    name: str
    line: int
    tags: list[str]
    steps: list[WrittenStep]
    outline: NotRequired[str]


class WrittenRule(TypedDict):
    """A rule with its scenarios; one with an empty title holds those that stand before the first rule."""

    title: str
    prose: list[str]
    scenarios: list[WrittenScenario]


class Document(TypedDict):
    """A feature: its paragraphs, its rules in their order, its tags, and the kinds of its containers."""

    prose: list[str]
    tags: list[str]
    rules: list[WrittenRule]


class PlannedScenario(TypedDict):
    """A selected scenario. `scenario` is feature path:line; `id` survives line moves; `mrr` and `saving` in USD.

    `platform` is the name of the one that is judged, `not_promised` why it does not promise this, or None.
    """

    id: str
    scenario: str
    name: str
    capability: str
    tier: int
    tags: list[str]
    mrr: int
    saving: int
    platform: str
    not_promised: str | None


class PlannedFeature(TypedDict):
    """A feature of the project, selected or not. `scenarios` counts all it has; `problem` is what its tags lack.

    One that the catalogue names and nobody has written yet has no path, no scenarios and no `document`. `left_out` is
    true where the platform has no adapter.
    """

    capability: str
    path: str
    title: str
    tier: int
    mrr: int
    saving: int
    scenarios: int
    problem: str | None
    document: NotRequired[Document | None]
    left_out: NotRequired[bool]


class Share(TypedDict):
    """The share that a run is of a whole: the one with `number` (from 1) `of` so many; `others` is what these owe."""

    number: int
    of: int
    others: list[PlannedScenario]


class Plan(TypedDict):
    """What a run set out to do. `began` is ISO 8601 UTC; `tags` the tag expression as it was understood.

    `tiers` has their names by number; `history` is the file that verdicts are kept in over all runs; `commit` is None
    without git. `platform` is the one that is judged. `share` is there where several runs share the work; `merged`
    lists the runs of a merged report.
    """

    run: str
    began: str
    tags: str
    features: list[PlannedFeature]
    scenarios: list[PlannedScenario]
    tiers: NotRequired[dict[str, str]]
    commit: NotRequired[Commit | None]
    platform: NotRequired[Judged | None]
    history: NotRequired[str]
    share: NotRequired[Share]
    merged: NotRequired[list[str]]


def platform_of(plan: Plan) -> Judged:
    """The platform that `plan` judges; the reference platform where it does not say."""
    return plan.get("platform") or Judged(name=REFERENCE_NAME, digest="", folder="")


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
