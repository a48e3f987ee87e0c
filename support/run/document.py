"""A feature as a document: what stands in its file when a run begins, for whoever reads the run later.

The file may say something else by then, and the verdicts are about what it said.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from behave.model import Feature, Rule, Scenario, ScenarioOutline, Step

from support.ledger.plan import Document, WrittenRule, WrittenScenario, WrittenStep, slug


def document_of(feature: Feature, scenarios: Iterable[tuple[Scenario, str]]) -> Document:
    """`feature` as it is written now, with its `scenarios` and their titles."""
    lines = _lines(Path(feature.filename))
    rules: dict[int, WrittenRule] = {}
    for scenario, title in scenarios:
        rule = _rule_of(scenario)
        entry = rules.setdefault(id(rule), _written_rule(rule, lines))
        entry["scenarios"].append(_written(scenario, title, Path(feature.filename).stem))
    return Document(prose=list(_paragraphs(feature, lines)), tags=list(map(str, feature.tags)), rules=[*rules.values()])


def written_steps(scenario: Scenario) -> Iterator[WrittenStep]:
    """The steps of `scenario`, those of its background first."""
    for step in scenario.all_steps:
        yield WrittenStep(keyword=step.keyword, text=step.name, more=_more(step))


def _lines(path: Path) -> list[str]:
    """The lines of a feature's file; none for a feature that was never one, as a proof makes them."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _rule_of(scenario: Scenario) -> Rule | None:
    parent: Any = scenario.parent
    while parent is not None and not isinstance(parent, Rule):
        parent = parent.parent
    return parent


def _written_rule(rule: Rule | None, lines: list[str]) -> WrittenRule:
    if rule is None:
        return WrittenRule(title="", prose=[], scenarios=[])
    return WrittenRule(title=rule.name, prose=list(_paragraphs(rule, lines)), scenarios=[])


def _written(scenario: Scenario, title: str, capability: str) -> WrittenScenario:
    written = WrittenScenario(
        id=f"{capability}/{slug(title)}",
        name=title,
        line=scenario.line,
        tags=list(map(str, scenario.tags)),
        steps=list(written_steps(scenario)),
    )
    if isinstance(scenario.parent, ScenarioOutline):
        written["outline"] = scenario.parent.name
    return written


def _paragraphs(statement: Any, lines: list[str]) -> Iterator[str]:
    """The prose below a heading. behave's model forgets the empty lines in it, so they are looked up in the file."""
    if not lines and statement.description:
        yield " ".join(statement.description)
    left = len(statement.description)
    paragraph: list[str] = []
    for line in lines[statement.line :]:
        if line.strip() and left:
            paragraph.append(line.strip())
            left -= 1
        if (not line.strip() or not left) and paragraph:
            yield " ".join(paragraph)
            paragraph = []
        if not left:
            return


def _more(step: Step) -> str:
    if step.table is None:
        return str(step.text or "")
    rows = [list(step.table.headings), *(list(row.cells) for row in step.table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
