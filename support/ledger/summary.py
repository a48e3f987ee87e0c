"""Verdicts and money, added up."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, TypedDict

from support.ledger.commit import Commit
from support.ledger.history import Rate
from support.ledger.plan import Plan, PlannedFeature, platform_of
from support.ledger.rows import Row, Verdict
from support.platforms.description import Judged

PASSED, FAILED, WRONG_COMMAND, UNKNOWN = 0, 1, 2, 3
Standing = Literal["verified", "exposed", "untold"]
_CUTS = {  # what the reasons of unknown rows tell of the end of their run
    r"(?:\w+ hook: )?interrupted by (Ctrl-C|SIGTERM)": "it was interrupted by {}",
    r"(interrupted before) the suite began": "it was {} it began",
    r"the run (?:\(process \d+\) )?was (killed) before": "it was {}",
    r"its process (ended .+?) before it told": "one of its processes {}",
    r"(--stop) ended the run": "{} ended it after a failure",
    r"(?s:.)*it could not be (interrupted), so the run was ended": "a scenario hung and could not be {}",
}


class Money(TypedDict):
    """USD each month: kept promises, broken ones, those that were not verified (not selected, unknown), and the sum."""

    verified: int
    exposed: int
    untold: int
    total: int


class Part(TypedDict):
    """Counts of verdicts, recurring revenue and savings; the latter two are never added up.

    That something is not promised is counted only where there is such a thing.
    """

    verdicts: dict[Verdict, int]
    mrr: Money
    saving: Money


class Flaky(TypedDict):
    """A scenario that both passed and failed on the same commit, and how often."""

    id: str
    passed: int
    failed: int


class Summary(Part):
    """A whole run, and the same for each tier.

    `selected` of the project's `scenarios` were to be judged; `cut_short` says what ended the run before its time, or
    is null. What is `flaky` is never verified.
    """

    tiers: dict[str, Part]
    run: str
    began: str
    commit: Commit | None
    platform: Judged
    scenarios: int
    selected: int
    cut_short: str | None
    flaky: list[Flaky]


def summarise(plan: Plan, rows: Iterable[Row], rates: Mapping[str, Rate]) -> Summary:
    """Adds up `rows` over all features of the project, so that what was not selected is untold, not forgotten.

    `rates` says how often each scenario passed and failed on the ground of this run.
    """
    rows = list(rows)
    flaky = {key: rate for key, rate in rates.items() if rate.flaky}
    tiers = sorted({feature["tier"] for feature in plan["features"] if feature["tier"]})
    parts = {str(tier): _part([f for f in plan["features"] if f["tier"] == tier], rows, flaky) for tier in tiers}
    return Summary(
        **_part(plan["features"], rows, flaky),
        tiers=parts,
        run=plan["run"],
        began=plan["began"],
        commit=plan.get("commit"),
        platform=platform_of(plan),
        scenarios=sum(feature["scenarios"] for feature in plan["features"]),
        selected=len(plan["scenarios"]),
        cut_short=cut_short(rows),
        flaky=[Flaky(id=key, passed=rate.passed, failed=rate.failed) for key, rate in flaky.items()],
    )


def cut_short(rows: Iterable[Row]) -> str | None:
    """What ended the run of `rows` before its time; None when it came to its own end."""
    for row in rows:
        for pattern, told in _CUTS.items():
            match = re.match(pattern, row["reason"] or "") if row["verdict"] == "unknown" else None
            if match:
                return told.format(match[1])
    return None


def standing(feature: PlannedFeature, rows: Iterable[Row], flaky: Collection[str]) -> Standing:
    """One failed scenario exposes a feature; all of its scenarios, selected or not, must pass to verify it.

    One that is `flaky` passed by luck, so it verifies nothing; neither does one that is not promised.
    """
    own = [row for row in rows if row["capability"] == feature["capability"]]
    verdicts = [row["verdict"] for row in own]
    if "failed" in verdicts:
        return "exposed"
    kept = verdicts.count("passed") == feature["scenarios"] > 0
    return "verified" if kept and not any(row["id"] in flaky for row in own) else "untold"


def exit_code(verdicts: dict[Verdict, int]) -> int:
    """0 when all that is promised passed, 1 when one failed, 3 when none failed and one is unknown (or none passed)."""
    if verdicts["failed"]:
        return FAILED
    return UNKNOWN if verdicts["unknown"] or not verdicts["passed"] else PASSED


def first_of(codes: Iterable[int]) -> int:
    """The exit code of several: 1 where one is 1, else 3 where one is 3, else 0."""
    found = set(codes)
    return next((code for code in (FAILED, UNKNOWN) if code in found), PASSED)


def _part(features: Sequence[PlannedFeature], rows: Sequence[Row], flaky: Collection[str]) -> Part:
    keys = {feature["capability"] for feature in features}
    verdicts: dict[Verdict, int] = {"passed": 0, "failed": 0, "unknown": 0}
    for row in rows:
        if row["capability"] in keys:
            verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
    standings = [(feature, standing(feature, rows, flaky)) for feature in features]
    return Part(verdicts=verdicts, mrr=_money(standings, "mrr"), saving=_money(standings, "saving"))


def _money(standings: Iterable[tuple[PlannedFeature, Standing]], kind: Literal["mrr", "saving"]) -> Money:
    money = Money(verified=0, exposed=0, untold=0, total=0)
    for feature, stands in standings:
        money[stands] += feature[kind]
        money["total"] += feature[kind]
    return money
