"""Ledgers of every kind, written as a run writes them, but without the run."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from support.ledger.commit import Commit
from support.ledger.completion import Outcome, complete
from support.ledger.folder import RunFolder
from support.ledger.plan import (
    Document,
    Plan,
    PlannedFeature,
    PlannedScenario,
    WrittenRule,
    WrittenScenario,
    WrittenStep,
)
from support.ledger.rows import Row, StepRow, Verdict, blank
from support.platforms.description import REFERENCE_NAME

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = tomllib.loads((ROOT / "features" / "catalogue.toml").read_text(encoding="utf-8"))
COMMIT = Commit(id="5a" * 20, clean=True)
REASON = (
    "subscriber 7 of node-2, after 5 s\nExpected: 200 updates, once each and in order\n"
    "     but: got 199: 1 lost (17)\n"
    "in step 'Then within 5 s it holds' (support/worlds/any.py:164)"
)
Judge = Callable[[PlannedScenario], tuple[Verdict, str | None] | None]


def all_passed(scenario: PlannedScenario) -> tuple[Verdict, str | None] | None:
    """Every promise was kept."""
    return "passed", None


def but(special: Mapping[str, tuple[Verdict, str | None] | None]) -> Judge:
    """Every scenario passed but for those in `special`; None there leaves one without a row."""

    def judge(scenario: PlannedScenario) -> tuple[Verdict, str | None] | None:
        return special.get(scenario["id"], ("passed", None))

    return judge


def plan_of(
    keys: Iterable[str], scenarios: int = 4, name: str = "promise", commit: Commit | None = COMMIT, began: str = ""
) -> Plan:
    """A plan in which the features `keys` are written, with `scenarios` each, and selected; the others are not."""
    written = list(keys)
    features = [
        _feature(key, entry, scenarios if key in written else 0, name)
        for key, entry in CATALOGUE["capabilities"].items()
    ]
    planned = [scenario for feature in features for scenario in _planned(feature)]
    return Plan(
        run="",
        began=began,
        tags="@L3",
        features=features,
        scenarios=planned,
        tiers=CATALOGUE["tiers"],
        commit=commit,
    )


def ledger(reports: Path, plan: Plan, judge: Judge = all_passed, history: Path | None = None) -> Outcome:
    """Writes a run of `plan` below `reports`, in which `judge` gave the verdicts, and completes it."""
    folder = RunFolder.create(reports, plan, history=history or reports / "history.jsonl")
    for number, scenario in enumerate(plan["scenarios"]):
        if told := judge(scenario):
            folder.row(_row(folder.run, scenario, number, *told))
            folder.steps(scenario["id"], _step_rows(told[0]))
    for feature in plan["features"]:
        if any(scenario["capability"] == feature["capability"] for scenario in plan["scenarios"]):
            _containers(folder, feature["capability"])
    folder.leave()
    outcome = complete(folder.path, "the run (process 7) was killed before this scenario ended")
    assert outcome is not None
    return outcome


def _feature(key: str, entry: Mapping[str, Any], scenarios: int, name: str) -> PlannedFeature:
    return PlannedFeature(
        capability=key,
        path=f"features/tier{entry['tier']}/{key}.feature" if scenarios else "",
        title=f"{entry['name']} hold what was promised",
        tier=entry["tier"],
        mrr=entry.get("mrr", 0),
        saving=entry.get("saving", 0),
        scenarios=scenarios,
        problem=None,
        document=_document(key, scenarios, name) if scenarios else None,
    )


def _document(key: str, scenarios: int, name: str) -> Document:
    steps = [
        WrittenStep(keyword="Given", text="two nodes and a store", more=""),
        WrittenStep(keyword="When", text="something happens to one of them", more="who   when\nada   now"),
        WrittenStep(keyword="Then", text="within 5 s it holds", more=""),
    ]
    texts = [
        WrittenScenario(id=f"{key}/{n}", name=f"{name} {n}", line=10 + n, tags=["performance"], steps=steps)
        for n in range(scenarios)
    ]
    rules = [
        WrittenRule(title=f"Rule {start // 4 + 1} of this capability", prose=[], scenarios=texts[start : start + 4])
        for start in range(0, scenarios, 4)
    ]
    prose = ["Customers pay for this. When it breaks, they leave.", "It is judged on two nodes."]
    return Document(prose=prose, tags=["L3", "tier1", "mrr.100000"], rules=rules)


def _planned(feature: PlannedFeature) -> list[PlannedScenario]:
    document = feature.get("document")
    written = [one for rule in document["rules"] for one in rule["scenarios"]] if document else []
    return [
        PlannedScenario(
            id=one["id"],
            scenario=f"{feature['path']}:{one['line']}",
            name=one["name"],
            capability=feature["capability"],
            tier=feature["tier"],
            tags=["L3"],
            mrr=feature["mrr"],
            saving=feature["saving"],
            platform=REFERENCE_NAME,
            not_promised=None,
        )
        for one in written
    ]


def _row(run: str, scenario: PlannedScenario, number: int, verdict: Verdict, reason: str | None) -> Row:
    row = blank(run, scenario, "")
    row["verdict"], row["reason"] = verdict, reason
    row["started"], row["duration_s"] = f"2026-11-24T18:{number // 60 % 60:02}:{number % 60:02}.000Z", 0.9
    return row


def _step_rows(verdict: Verdict) -> list[StepRow]:
    last: Any = verdict
    return [
        StepRow(keyword="Given", text="two nodes and a store", outcome="passed", duration_s=0.01),
        StepRow(keyword="When", text="something happens to one of them", outcome="passed", duration_s=0.4),
        StepRow(keyword="Then", text="within 5 s it holds", outcome=last, duration_s=5.02),
    ]


def _containers(folder: RunFolder, capability: str) -> None:
    for place, service in enumerate(("redis", "toxiproxy", "gateway-1", "gateway-2")):
        folder.container(
            {
                "capability": capability,
                "service": service,
                "kind": "platform" if service.startswith("gateway-") else service,
                "image": f"l3/{service}:5f75aed1f783",
                "digest": "sha256:5f",
                "source": "local",
                "created_s": 0.1 + place / 50,
                "started_s": 0.3 + place / 10,
                "ready_s": 0.4 + place / 4,
                "memory_limit": 256 * 1024**2,
                "peak_memory": (9 + 70 * place) * 1024**2,
                "began": "2026-11-24T18:00:00.000Z",
                "waited_s": 0.0,
            }
        )
