"""The page: one HTML file that needs nothing but itself."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from support.ledger.completion import Outcome
from support.report import plots, sums, words
from support.report.containers import containers_of
from support.report.features import features_of
from support.report.material import Material
from support.report.timeline import timeline_of

_TEMPLATES = Path(__file__).parent / "templates"
WORDS = {
    "verified": "Verified",
    "exposed": "Exposed",
    "untold": "Not verified",
    "passed": "Passed",
    "failed": "Failed",
    "unknown": "Unknown",
    "not promised": "Not promised",
    "not judged": "Not judged",
    "not reached": "Not reached",
}


def page(material: Material) -> str:
    """The page as HTML."""
    outcome = material.outcome
    features = features_of(material)
    timeline = timeline_of(material, features)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            run=_run(outcome),
            summary=outcome.summary,
            sentence=sums.sentence(outcome.summary),
            headline_note=sums.headline_note(outcome.summary),
            untold=sums.untold(features),
            tiers=sums.tiers_of(outcome.summary, outcome.plan, features),
            notices=[*sums.notices(outcome.summary, outcome.plan, features)],
            problems=[*([outcome.problem] if outcome.problem else []), *outcome.warnings, *material.problems],
            features=features,
            timeline=timeline,
            containers=containers_of(material),
            earlier_runs=material.earlier_runs,
            matrix=material.matrix,
        )
    )


def _run(outcome: Outcome) -> dict[str, Any]:
    """The facts about a run that are told about every run."""
    commit = outcome.plan.get("commit")
    state = "" if not commit else "" if commit["clean"] else ", with changes that are not committed"
    return {
        "id": outcome.plan["run"],
        "began": outcome.plan["began"],
        "platform": outcome.summary["platform"],
        "tags": outcome.plan["tags"],
        "commit": f"{commit['id'][:10]}{state}" if commit else "not known",
        "merged": outcome.plan.get("merged", []),
        "exit_code": outcome.exit_code,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def _environment() -> Environment:
    """Templates that escape whatever is put in, and know the page's style, script and words."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (_TEMPLATES / "page.js").read_text(encoding="utf-8")
    environment.globals |= {
        "style": Markup((_TEMPLATES / "page.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        "script_hash": _hash(script),
        "plots": plots,
        "word": WORDS,
    }
    environment.filters |= {"money": words.money, "count": words.count, "date": words.date, "took": words.took}
    return environment


def _hash(script: str) -> str:
    """The source expression that lets this script run, and no other (Content Security Policy 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
