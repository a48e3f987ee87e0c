"""The verdict as it is told in a terminal."""

import os
import textwrap
from collections.abc import Iterator
from typing import TextIO

from support.ledger.completion import Outcome
from support.ledger.folder import LEDGER, PAGE
from support.ledger.plan import PlannedFeature
from support.ledger.rows import Row, Verdict
from support.ledger.summary import FAILED, PASSED, UNKNOWN, Money
from support.platforms.description import Judged

_FEW = 3  # features that are named in a line
_SYMBOLS: dict[Verdict, str] = {"passed": "✔", "failed": "✘", "unknown": "?", "not promised": "–"}
_PLAIN: dict[Verdict, str] = {"passed": "+", "failed": "x", "unknown": "?", "not promised": "-"}
_COLOURS: dict[Verdict, str] = {"passed": "\033[32m", "failed": "\033[31m", "unknown": "\033[33m", "not promised": ""}
_MEANING = {
    PASSED: "every selected scenario passed",
    FAILED: "the target broke a promise",
    UNKNOWN: "it could not be told whether every promise is kept",
}


def text(outcome: Outcome, stream: TextIO) -> str:
    """The whole verdict, as `stream` can show it: scenarios by feature, money, where the ledger is, the exit code."""
    lines = ["", *_features(outcome, stream), *_sums(outcome)]
    lines += [line for line in (outcome.problem, *outcome.warnings) if line]
    lines += [
        f"platform: {platform(outcome.summary['platform'])}",
        f"page: {outcome.path / PAGE}",
        f"ledger: {outcome.path / LEDGER}",
        f"exit {outcome.exit_code}: {_MEANING[outcome.exit_code]}{_but_for(outcome)}",
    ]
    return "\n".join(lines)


def _but_for(outcome: Outcome) -> str:
    left_open = outcome.summary["verdicts"].get("not promised", 0)
    return f", but for {left_open} that the platform does not promise" if left_open else ""


def platform(judged: Judged) -> str:
    """A platform as "name (digest)", and its folder."""
    return f"{judged['name']} ({judged['digest'] or 'digest not known'}), {judged['folder'] or 'folder not known'}"


def usd(amount: int) -> str:
    """Dollars, as in $100,000."""
    return f"${amount:,}"


def _features(outcome: Outcome, stream: TextIO) -> Iterator[str]:
    for feature in outcome.plan["features"]:
        rows = [row for row in outcome.rows if row["capability"] == feature["capability"]]
        if rows:
            yield f"{feature['title']}  ({_worth(feature)})"
            for row, before in zip(rows, [None, *rows], strict=False):
                yield from _scenario(row, stream, row["reason"] == (before and before["reason"]))
                if outcome.rates[row["id"]].flaky:
                    yield f"{' ' * 13}flaky, and so not verified: it {outcome.rates[row['id']]}"
            yield ""


def _left_out(outcome: Outcome) -> Iterator[str]:
    titles = [feature["title"] for feature in outcome.plan["features"] if feature.get("left_out")]
    if titles:
        told = "; ".join(titles) if len(titles) <= _FEW else f"{len(titles)} features, which the page names"
        yield f"not judged, because the platform has no adapter: {told}"


def _worth(feature: PlannedFeature) -> str:
    if feature["problem"]:
        return "worth unknown"
    saved = f"{usd(feature['saving'])} saved"
    return f"tier {feature['tier']}, " + (saved if feature["saving"] else f"{usd(feature['mrr'])} MRR")


def _scenario(row: Row, stream: TextIO, told: bool) -> Iterator[str]:
    """The lines of one scenario; of a reason that was just `told`, as that of a missing engine, it is told that."""
    mark = f"{_symbol(row['verdict'], stream)} {row['verdict']:<7}"
    if stream.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"{_COLOURS[row['verdict']]}{mark}\033[0m"
    yield f"  {mark}  {row['name']}  ({row['duration_s']:.1f} s)"
    if row["reason"]:
        yield textwrap.indent("as above" if told else row["reason"], " " * 13)
    if row["evidence"]:
        yield f"{' ' * 13}evidence: {row['evidence']}"


def _symbol(verdict: Verdict, stream: TextIO) -> str:
    """A terminal that cannot show the symbols gets plain ones."""
    try:
        "✔✘".encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return _PLAIN[verdict]
    return _SYMBOLS[verdict]


def _sums(outcome: Outcome) -> Iterator[str]:
    counts = outcome.summary["verdicts"]
    total = sum(counts.values())
    each = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    yield f"{total} scenario{'s' * (total != 1)}: {each}"
    yield from _left_out(outcome)
    if outcome.summary["mrr"]["total"]:
        yield _money(outcome.summary["mrr"], "MRR")
    if outcome.summary["saving"]["total"]:
        yield _money(outcome.summary["saving"], "saved")


def _money(money: Money, what: str) -> str:
    verified = f"verified {usd(money['verified'])} of {usd(money['total'])} {what}"
    return f"{verified}; exposed {usd(money['exposed'])}; not verified {usd(money['untold'])}"
