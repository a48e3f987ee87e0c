"""The first thing that is told: what holds, what does not, and what nobody knows, in money."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from support.ledger.plan import Plan
from support.ledger.summary import Money, Summary
from support.report.features import Feature
from support.report.words import count, money

HEADLINE = 500_000  # the amount that this platform is often said to earn, "500K+"


@dataclass(frozen=True)
class Tier:
    """A tier's revenue, and how many of its capabilities stand how."""

    number: int
    name: str
    mrr: Money
    capabilities: str


def tiers_of(summary: Summary, plan: Plan, features: Sequence[Feature]) -> list[Tier]:
    """Every tier that has a feature, in order."""
    names = plan.get("tiers") or {}
    return [
        Tier(
            number=int(number),
            name=names.get(number, f"Tier {number}"),
            mrr=part["mrr"],
            capabilities=_standings([f for f in features if f.tier == int(number)]),
        )
        for number, part in summary["tiers"].items()
    ]


def _standings(features: Sequence[Feature]) -> str:
    """As in "1 verified, 2 not verified"."""
    words = {"verified": "verified", "exposed": "exposed", "untold": "not verified"}
    counts = {word: sum(f.standing == key for f in features) for key, word in words.items()}
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number)


def sentence(summary: Summary) -> str:
    """The verdict on all revenue, in a sentence."""
    mrr = summary["mrr"]
    if not mrr["total"]:
        return "No revenue rests on what was judged."
    told = f"{money(mrr['verified'])} of {money(mrr['total'])} of monthly revenue is verified"
    if mrr["exposed"]:
        return f"{told}, and {money(mrr['exposed'])} is exposed."
    return f"{told}, and nothing is exposed." if mrr["untold"] else f"All {money(mrr['total'])} of it is verified."


def untold(features: Sequence[Feature]) -> str:
    """Why revenue is not verified, in half a line."""
    left = [feature for feature in features if feature.standing == "untold" and not feature.saves]
    told = {
        "judged, but not in full": sum(f.judged for f in left),
        "without an adapter": sum(f.left_out for f in left),
        "not selected": sum(f.written and not f.judged and not f.left_out for f in left),
        "not written yet": sum(not f.written for f in left),
    }
    return "; ".join(f"{number} {what}" for what, number in told.items() if number) or "nothing is left open"


def headline_note(summary: Summary) -> str:
    """How the sum relates to the headline that is often quoted; empty where it is another platform's sum."""
    mrr = summary["mrr"]
    if mrr["total"] < HEADLINE:
        return ""
    share = f"{HEADLINE / mrr['total']:.0%}"
    return (
        f"Often quoted is a headline of “500K+”. The catalogue adds up to {money(mrr['total'])} a month, each "
        f"capability counted once; the headline is {share} of that, a floor that payments alone reach. "
        f"What is verified in this run, {money(mrr['verified'])}, is {_against_headline(mrr['verified'])}. "
        "Savings are no revenue, and are in neither number."
    )


def _against_headline(verified: int) -> str:
    return "more than the headline" if verified > HEADLINE else f"{verified / HEADLINE:.0%} of the headline"


def notices(summary: Summary, plan: Plan, features: Sequence[Feature]) -> Iterator[str]:
    """What keeps this run from being the whole story, a sentence or two each."""
    if summary["cut_short"]:
        begun = summary["selected"] - unbegun(features)
        yield (
            f"This run was cut short: {summary['cut_short']}. "
            f"Of {count(summary['selected'], 'selected scenario')}, {begun} had begun; the others are unknown."
        )
    if summary["selected"] < summary["scenarios"]:
        yield (
            f"Only a part was judged: {summary['selected']} of {count(summary['scenarios'], 'scenario')}, "
            f"selected by {plan['tags'] or 'their names'}. {_left_out(features)}"
        )
    if without := [f"“{feature.title}”" for feature in features if feature.left_out]:
        yield f"{summary['platform']['name']} has no adapter for {', '.join(without)}, so these were not judged."
    if left_open := summary["verdicts"].get("not promised"):
        what = count(left_open, "scenario")
        yield f"Not promised by the platform: {what}. What was seen there verifies nothing and exposes nothing."
    if plan.get("merged"):
        runs = plan["merged"]
        commit = "" if plan.get("commit") else " They are not all of one commit, so take the sums with care."
        yield f"This report is made of {count(len(runs), 'run')}: {', '.join(runs)}.{commit}"
    if summary["flaky"]:
        yield (
            f"{count(len(summary['flaky']), 'scenario')} both passed and failed on this commit. What rests on "
            "flaky scenarios counts as not verified, also where they passed this time."
        )


def unbegun(features: Iterable[Feature]) -> int:
    """How many scenarios were selected and have not begun."""
    return sum(s.verdict == "unknown" and not s.took for feature in features for s in feature.scenarios)


def _left_out(features: Sequence[Feature]) -> str:
    titles = [f"“{f.title}”" for f in features if f.written and not f.judged and not f.left_out]
    parts = sum(f.judged and any(s.verdict == "not judged" for s in f.scenarios) for f in features)
    some = f"{count(parts, 'capability').replace('capabilitys', 'capabilities')} in part only. " if parts else ""
    return some + (f"Not judged at all: {', '.join(titles)}." if titles else "")
