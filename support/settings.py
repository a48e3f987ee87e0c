"""What a user may set: read once, from `-D NAME=value` of behave first, then from the environment.

Standard library only, so that the launcher can read it on a bare machine.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from support.errors import SuiteError

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "support" / "platforms" / "reference"

Number = TypeVar("Number", int, float)

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "": 1.0}
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def seconds(text: str) -> float:
    """Seconds, from "500 ms", "120 s", "2 min" or a bare number. Raises ValueError when it is none of these, or 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s|min|)", text.strip())
    if match is None or not float(match[1]):
        raise ValueError(f'expected a duration such as "500 ms", "120 s" or "2 min", got "{text}"')
    return float(match[1]) * _SECONDS[match[2]]


def size(text: str) -> int:
    """Bytes, from "8g", "512m" or a bare number, in powers of 1024 as Docker counts. Raises ValueError otherwise."""
    match = re.fullmatch(r"([1-9]\d*)([kmg]?)b?", text.strip().lower())
    if match is None:
        raise ValueError(f'expected a size such as "8g" or "512m", got "{text}"')
    return int(match[1]) * _BYTES[match[2]]


@dataclass(frozen=True)
class Settings:
    """The settings of one run: where reports go, how long a scenario may take, and how much memory fleets may.

    `history` is the file that verdicts are kept in over all runs; `platform` is the folder of the one that is judged.
    `seed` is what scenarios draw by: what is drawn is the same where it is the same.
    """

    reports: Path
    history: Path
    platform: Path
    scenario_deadline_s: float
    memory_budget: int
    seed: int

    @classmethod
    def load(cls, environ: Mapping[str, str], userdata: Mapping[str, str]) -> "Settings":
        """Reads L3_REPORTS, L3_HISTORY, L3_PLATFORM, L3_SCENARIO_DEADLINE, L3_MEMORY and L3_SEED.

        Raises SuiteError naming the one that is wrong.
        """
        given = {**environ, **userdata}
        reports = Path(given.get("L3_REPORTS") or ROOT / "reports").absolute()
        return cls(
            reports=reports,
            history=Path(given.get("L3_HISTORY") or reports / "history.jsonl").absolute(),
            platform=Path(given.get("L3_PLATFORM") or REFERENCE).resolve(),
            scenario_deadline_s=_read(given, "L3_SCENARIO_DEADLINE", "120 s", seconds),
            memory_budget=_read(given, "L3_MEMORY", "8g", size),
            seed=_read(given, "L3_SEED", str(random.randrange(10**6)), _number),
        )

    def __str__(self) -> str:
        """One line for the beginning of a run."""
        memory = f"{self.memory_budget / 1024**3:.3g} GB"
        return f"reports in {self.reports}, {self.scenario_deadline_s:g} s for a scenario, {memory} for containers"


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f'expected a whole number such as "4711", got "{text}"')
    return int(text)


def _read(given: Mapping[str, str], name: str, default: str, parse: Callable[[str], Number]) -> Number:
    try:
        return parse(given.get(name) or default)
    except ValueError as error:
        raise SuiteError(f"{name}: {error}") from error
