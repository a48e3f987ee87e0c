"""What went wrong around the steps of a scenario or a feature, kept until the verdict is given."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from support.run.places import place_of


@dataclass
class Trouble:
    """Sentences about errors in hooks and in clean-ups, in the order in which they happened."""

    hooks: list[str] = field(default_factory=list)
    cleanups: list[str] = field(default_factory=list)
    suspicion: str | None = None
    evidence: str | None = None


Troubles = defaultdict[str, Trouble]


def told(error: BaseException, root: Path) -> str:
    """An error as "type: message (path:line)"."""
    place = place_of(error, root)
    return message(error) + (f" ({place})" if place else "")


def message(error: BaseException) -> str:
    """An error as "type: message"; an assertion as its message alone, which is a sentence about the target."""
    text = str(error).strip()
    if isinstance(error, AssertionError):
        return text or "an assertion without a message"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
