"""Verdicts and money, added up."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict

from support.ledger.plan import Plan, PlannedFeature
from support.ledger.rows import Row, Verdict

PASSED, FAILED, WRONG_COMMAND, UNKNOWN = 0, 1, 2, 3


class Money(TypedDict):
    """USD each month: kept promises, broken ones, those that were not told (not selected, or unknown), and the sum."""

    verified: int
    exposed: int
    untold: int
    total: int


class Part(TypedDict):
    """Counts of verdicts, recurring revenue and savings; the latter two are never added up."""

    verdicts: dict[Verdict, int]
    mrr: Money
    saving: Money


class Summary(Part):
    """A whole run, and the same for each tier."""

    tiers: dict[str, Part]


def summarise(plan: Plan, rows: Iterable[Row]) -> Summary:
    """Adds up `rows` over all features of the project, so that what was not selected is untold, not forgotten."""
    rows = list(rows)
    tiers = sorted({feature["tier"] for feature in plan["features"] if feature["tier"]})
    parts = {str(tier): _part([f for f in plan["features"] if f["tier"] == tier], rows) for tier in tiers}
    return Summary(**_part(plan["features"], rows), tiers=parts)


def exit_code(verdicts: dict[Verdict, int]) -> int:
    """0 when all passed, 1 when one failed, 3 when none failed and one is unknown (or there is none at all)."""
    if verdicts["failed"]:
        return FAILED
    return UNKNOWN if verdicts["unknown"] or not verdicts["passed"] else PASSED


def _part(features: Sequence[PlannedFeature], rows: Sequence[Row]) -> Part:
    keys = {feature["capability"] for feature in features}
    verdicts: dict[Verdict, int] = {"passed": 0, "failed": 0, "unknown": 0}
    for row in rows:
        if row["capability"] in keys:
            verdicts[row["verdict"]] += 1
    return Part(verdicts=verdicts, mrr=_money(features, rows, "mrr"), saving=_money(features, rows, "saving"))


def _money(features: Sequence[PlannedFeature], rows: Sequence[Row], kind: Literal["mrr", "saving"]) -> Money:
    money = Money(verified=0, exposed=0, untold=0, total=0)
    for feature in features:
        money[_standing(feature, rows)] += feature[kind]
        money["total"] += feature[kind]
    return money


def _standing(feature: PlannedFeature, rows: Sequence[Row]) -> Literal["verified", "exposed", "untold"]:
    """One failed scenario exposes a feature; all of its scenarios, selected or not, must pass to verify it."""
    verdicts = [row["verdict"] for row in rows if row["capability"] == feature["capability"]]
    if "failed" in verdicts:
        return "exposed"
    return "verified" if verdicts.count("passed") == feature["scenarios"] > 0 else "untold"
