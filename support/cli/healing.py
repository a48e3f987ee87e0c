"""behave as in any run, which notes when and how long its faults were healed: `healing FILE ARGUMENTS`, for a bench."""

import json
import sys
import time
from pathlib import Path

from behave.__main__ import main

from support.faults.faults import Faults

_heal = Faults.heal
_noted: list[tuple[float, float]] = []


def _timed(faults: Faults) -> None:
    began = time.time()
    try:
        _heal(faults)
    finally:
        _noted.append((began, time.time() - began))


if __name__ == "__main__":
    setattr(Faults, "heal", _timed)  # noqa: B010 - a method is not assigned to, says mypy
    try:
        sys.exit(main(sys.argv[2:]))
    finally:
        Path(sys.argv[1]).write_text(json.dumps(_noted), encoding="utf-8")
