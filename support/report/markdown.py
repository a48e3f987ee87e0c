"""The summary as Markdown, for the page of a CI job."""

import re
from collections.abc import Iterator, Sequence

from support.ledger.summary import Money
from support.ledger.terminal import platform
from support.report import sums
from support.report.features import Feature, features_of
from support.report.material import Material
from support.report.words import count, date, money

_MARKS = {"verified": "✔ verified", "exposed": "✘ exposed", "untold": "? not verified"}


def markdown(material: Material) -> str:
    """The verdict in money, by tier and by capability, and what did not pass."""
    outcome, features = material.outcome, features_of(material)
    return "\n".join(
        [
            f"## {_plain(sums.sentence(outcome.summary))}",
            "",
            *(f"> {_plain(notice)}\n" for notice in sums.notices(outcome.summary, outcome.plan, features)),
            *_money_table(material, features),
            "",
            *_capabilities(features),
            "",
            *_broken(features),
            f"Platform: {_plain(platform(outcome.summary['platform']))}.",
            f"Run {outcome.plan['run']}, {date(outcome.plan['began'])}, selected by {_code(outcome.plan['tags'])}."
            if outcome.plan["tags"]
            else f"Run {outcome.plan['run']}, {date(outcome.plan['began'])}, of everything.",
            "",
        ]
    )


def _money_table(material: Material, features: Sequence[Feature]) -> Iterator[str]:
    summary = material.outcome.summary
    yield "| a month | ✔ verified | ✘ exposed | ? not verified | in all |"
    yield "|---|--:|--:|--:|--:|"
    for tier in sums.tiers_of(summary, material.outcome.plan, features):
        yield _money_row(f"Tier {tier.number}: {_plain(tier.name)}", tier.mrr)
    yield _money_row("**All revenue (MRR)**", summary["mrr"])
    if summary["saving"]["total"]:
        yield _money_row("Saved, and never added to revenue", summary["saving"])


def _money_row(name: str, part: Money) -> str:
    cells = (money(part["verified"]), money(part["exposed"]), money(part["untold"]), money(part["total"]))
    return f"| {name} | {' | '.join(cells)} |"


def _capabilities(features: Sequence[Feature]) -> Iterator[str]:
    yield "| capability | worth | | |"
    yield "|---|--:|---|---|"
    for feature in features:
        worth = f"{feature.worth}{' saved' if feature.saves else ''}"
        yield f"| {_plain(feature.title)} | {worth} | {_MARKS[feature.standing]} | {_plain(feature.why)} |"


def _broken(features: Sequence[Feature]) -> Iterator[str]:
    """Every scenario that did not pass, with its reason."""
    for feature in features:
        failed = [s for s in feature.scenarios if s.verdict in ("failed", "unknown", "not promised")]
        if failed:
            yield f"<details><summary>{_plain(feature.title)}: {count(len(failed), 'scenario')} did not pass</summary>"
            yield ""
            if feature.common:
                yield f"- **unknown**, all of them: {_code(feature.common)}"
            for scenario in failed if not feature.common else ():
                words = scenario.finding.words if scenario.finding else ""
                yield f"- **{scenario.verdict}** {_plain(scenario.name)}: {_code(words)}"
            yield ""
            yield "</details>"
            yield ""


def _plain(text: str) -> str:
    """`text` with nothing in it that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_\[\]|~#<>&@])", lambda match: f"&#{ord(match[1])};", " ".join(text.split()))


def _code(text: str) -> str:
    """`text` as code, in backticks of which it has no longer row (CommonMark 0.31, section 6.1)."""
    line = " ".join(text.split()) or "-"
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}"
