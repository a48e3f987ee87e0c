"""Versions of the platform, and a feature for each: the real one under a name of the version's own.

The ledger so has a row of its own for a scenario under each version, and evidence is kept apart, with nothing in the
recorder that knows of a proof.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from behave.configuration import Configuration
from behave.model import Feature
from behave.parser import parse_feature
from behave.runner import Runner

from support.ledger.plan import Plan, slug
from support.ledger.rows import Row
from support.platforms.platform import Platform
from support.proof.mutants import Mutant
from support.run.selection import plan, titled_scenarios
from support.settings import REFERENCE, ROOT


@dataclass(frozen=True)
class Version:
    """The platform unchanged, or with one mutant; and the scenarios (ids) of `feature` that judge it."""

    key: str
    feature: str
    scenarios: tuple[str, ...]
    mutant: Mutant | None = None

    @property
    def path(self) -> str:
        """The path that its feature goes by; there is no such file."""
        return Path(self.feature).with_name(f"{self.key}.feature").as_posix()

    def row_of(self, scenario: str, rows: Mapping[str, Row]) -> Row | None:
        """The row among `rows` (by id) that tells of the scenario with this id under the version."""
        return rows.get(f"{self.key}/{scenario.partition('/')[2]}")


def feature_of(version: Version) -> Feature:
    """The version's feature, in which every scenario is skipped that does not judge it."""
    text = (ROOT / version.feature).read_text(encoding="utf-8")
    feature: Feature = parse_feature(text, filename=version.path)
    capability = Path(version.feature).stem
    for scenario, title in titled_scenarios(feature):
        if f"{capability}/{slug(title)}" not in version.scenarios:
            scenario.mark_skipped()
    return feature


def plan_of(versions: Iterable[Version], services: Collection[str]) -> Plan:
    """The plan of a proof: every scenario under every version. `services` are the known kinds of containers."""
    config = Configuration([])
    Runner(config).setup_paths()
    return plan([feature_of(version) for version in versions], config, services, Platform(REFERENCE))


def write(versions: Sequence[Version], path: Path) -> None:
    """Writes what one process is to run. Raises OSError."""
    path.write_text(
        json.dumps([asdict(version) for version in versions], indent=1, ensure_ascii=False),
        encoding="utf-8",
        errors="backslashreplace",
    )


def read(path: Path) -> list[Version]:
    """What `write` has written."""
    return [_version(**said) for said in json.loads(path.read_text(encoding="utf-8"))]


def _version(mutant: dict[str, Any] | None, scenarios: Iterable[str], **rest: str) -> Version:
    known = Mutant(**{**mutant, "scenarios": tuple(mutant["scenarios"])}) if mutant else None
    return Version(**rest, scenarios=tuple(scenarios), mutant=known)
