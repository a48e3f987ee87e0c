"""Features as the page shows them: documents with a verdict beside every promise."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.ledger.plan import PlannedFeature, WrittenRule, WrittenScenario
from support.ledger.rows import Row
from support.ledger.summary import Standing, standing
from support.report.findings import Finding, finding
from support.report.material import Material
from support.report.words import count, money, took

_EVIDENCE_SHOWN, _PAST_SHOWN = 40, 30


@dataclass(frozen=True)
class Step:
    """A step: `outcome` is empty where the scenario was not judged, or by a run that did not note it."""

    keyword: str
    text: str
    more: str
    outcome: str
    took: str


@dataclass(frozen=True)
class Scenario:
    """A scenario. `verdict` is "not judged" where it was not selected; `past` are its newest verdicts, oldest first."""

    anchor: str
    name: str
    verdict: str
    took: str
    steps: list[Step]
    finding: Finding | None
    culprit: Step | None
    place: str
    evidence: list[tuple[str, str]]
    evidence_note: str
    proved: str
    catches: list[str]
    misses: list[str]
    past: list[str]
    changed: str
    flaky: str
    tags: list[str]


@dataclass(frozen=True)
class Rule:
    """A rule, and the worst verdict of its scenarios; one without a title holds what stands before the first."""

    title: str
    prose: list[str]
    verdict: str
    scenarios: list[Scenario]


@dataclass(frozen=True)
class Feature:
    """A feature: how it stands, why in a sentence, and its document. `common` is a cause that all scenarios share.

    It is `left_out` where the platform has no adapter for it.
    """

    key: str
    title: str
    tier: int
    worth: str
    saves: bool
    standing: Standing
    why: str
    judged: bool
    written: bool
    left_out: bool
    prose: list[str]
    tags: list[str]
    path: str
    common: str
    rules: list[Rule]

    @property
    def scenarios(self) -> Iterator[Scenario]:
        """All of them, rule by rule."""
        return (scenario for rule in self.rules for scenario in rule.scenarios)


def features_of(material: Material) -> list[Feature]:
    """Every feature of the project, by tier."""
    planned = sorted(material.outcome.plan["features"], key=lambda feature: feature["tier"] or 9)
    return [_feature(one, material) for one in planned]


def _feature(planned: PlannedFeature, material: Material) -> Feature:
    rows = {row["id"]: row for row in material.outcome.rows if row["capability"] == planned["capability"]}
    flaky = {flaky["id"] for flaky in material.outcome.summary["flaky"]}
    document = planned.get("document") or {"prose": [], "tags": [], "rules": [_undocumented(rows.values())]}
    common = _common(rows.values())
    stands = standing(planned, rows.values(), flaky)
    return Feature(
        key=planned["capability"],
        title=planned["title"],
        tier=planned["tier"],
        worth=money(planned["saving"] or planned["mrr"]),
        saves=planned["saving"] > 0,
        standing=stands,
        why=_why(planned, rows.values(), flaky),
        judged=bool(rows),
        written=planned["scenarios"] > 0,
        left_out=planned.get("left_out", False),
        prose=document["prose"],
        tags=document["tags"],
        path=planned["path"],
        common=common,
        rules=[_rule(rule, rows, material, planned["path"], common) for rule in document["rules"] if rule["scenarios"]],
    )


def _undocumented(rows: Iterable[Row]) -> WrittenRule:
    """What can be told of a run that did not keep the text of its features."""
    return WrittenRule(
        title="",
        prose=[],
        scenarios=[
            WrittenScenario(
                id=row["id"], name=row["name"], line=int(row["scenario"].rpartition(":")[2] or 0), tags=[], steps=[]
            )
            for row in rows
        ],
    )


def _common(rows: Iterable[Row]) -> str:
    """The one reason for which all of several scenarios are unknown, as when there was no engine."""
    rows = list(rows)
    reasons = {row["reason"] for row in rows}
    alike = len(rows) > 1 and len(reasons) == 1 and all(row["verdict"] == "unknown" for row in rows)
    return (reasons.pop() or "") if alike else ""


def _why(planned: PlannedFeature, rows: Iterable[Row], flaky: set[str]) -> str:
    rows = list(rows)
    total = planned["scenarios"]
    if not total:
        return "Its feature is not written yet."
    if planned.get("left_out"):
        return "The platform has no adapter for it, so it was not judged."
    if not rows:
        return "It was not selected in this run."
    verdicts = [row["verdict"] for row in rows]
    if len(rows) == total == verdicts.count("passed") and not any(row["id"] in flaky for row in rows):
        return f"All of its {count(total, 'scenario')} passed." if total > 1 else "Its scenario passed."
    told = {
        "passed": verdicts.count("passed"),
        "failed": verdicts.count("failed"),
        "could not be told": verdicts.count("unknown"),
        "not promised by the platform": verdicts.count("not promised"),
        "not selected": total - len(rows),
    }
    unreliable = sum(row["id"] in flaky for row in rows)
    are = f"; {unreliable} {'is' if unreliable == 1 else 'are'} flaky" if unreliable else ""
    return f"Of {count(total, 'scenario')}: " + ", ".join(f"{n} {what}" for what, n in told.items() if n) + f"{are}."


def _rule(rule: WrittenRule, rows: dict[str, Row], material: Material, path: str, common: str) -> Rule:
    scenarios = [_scenario(one, rows.get(one["id"]), material, path, common) for one in rule["scenarios"]]
    verdicts = {scenario.verdict for scenario in scenarios}
    worst = next(word for word in ("failed", "unknown", "not promised", "not judged", "passed") if word in verdicts)
    return Rule(rule["title"], rule["prose"], worst, scenarios)


def _scenario(written: WrittenScenario, row: Row | None, material: Material, path: str, common: str) -> Scenario:
    key = written["id"]
    steps = _steps(written, material.steps.get(key, []))
    reason = row["reason"] if row and row["reason"] != common else None
    evidence, note = _evidence(row, material.outcome.path)
    rate = material.outcome.rates.get(key)
    matrix = material.matrix
    return Scenario(
        anchor=f"s-{quote(key, safe='')}",
        name=written["name"],
        verdict=row["verdict"] if row else "not judged",
        took=took(row["duration_s"]) if row and row["started"] else "",
        steps=steps,
        finding=finding(reason) if reason else None,
        culprit=next((step for step in steps if step.outcome in ("failed", "unknown")), None),
        place=row["scenario"] if row else f"{path}:{written['line']}",
        evidence=evidence,
        evidence_note=note,
        proved=matrix.proved.get(key, matrix.began) if matrix else "",
        catches=matrix.caught.get(key, []) if matrix else [],
        misses=matrix.missed.get(key, []) if matrix else [],
        **_past(key, material),
        flaky=str(rate) if rate and rate.flaky else "",
        tags=written["tags"],
    )


def _steps(written: WrittenScenario, noted: list[dict[str, Any]]) -> list[Step]:
    """The steps as they were written, with what became of each; what became of them alone, where no text was kept."""
    texts = written["steps"] or [{"keyword": n["keyword"], "text": n["text"], "more": ""} for n in noted]
    told = noted if len(noted) == len(texts) else [{"outcome": "", "duration_s": 0.0}] * len(texts)
    return [
        Step(
            keyword=text["keyword"],
            text=text["text"],
            more=text["more"],
            outcome=one["outcome"],
            took=took(one["duration_s"]) if one["duration_s"] >= 0.05 else "",
        )
        for text, one in zip(texts, told, strict=True)
    ]


def _past(key: str, material: Material) -> dict[str, Any]:
    """What the history tells of a scenario, this run included."""
    now = [line for line in material.outcome.lines if line["id"] == key]
    verdicts = [line["verdict"] for one in now for line in (*material.outcome.past.before(one), one)]
    told = [verdict for verdict in verdicts if verdict in ("passed", "failed")]
    changes = sum(before != after for before, after in pairwise(told))
    runs = count(len(told), "run")
    times = {0: "never", 1: "once", 2: "twice"}.get(changes, f"{changes} times")
    changed = f"changed its verdict {times} in {runs}" if len(told) > 1 else ""
    return {"past": verdicts[-_PAST_SHOWN:], "changed": changed}


def _evidence(row: Row | None, run_dir: Path) -> tuple[list[tuple[str, str]], str]:
    """Names of and links to the files of evidence, relative to the page; or a note why there are none."""
    if not row or not row["evidence"]:
        return [], ""
    folder = run_dir / "evidence" / Path(row["evidence"]).name
    try:
        files = sorted(path.name for path in folder.iterdir())
    except OSError:
        return [], f"It was written to {row['evidence']}, and is not there any more."
    more = f"and {len(files) - _EVIDENCE_SHOWN} more" if len(files) > _EVIDENCE_SHOWN else ""
    return [(name, quote(f"evidence/{folder.name}/{name}")) for name in files[:_EVIDENCE_SHOWN]], more
