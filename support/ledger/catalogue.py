"""The catalogue of a project: every capability there is to be, and what it is worth, written as a feature or not."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from support.errors import FeatureTagError
from support.ledger.feature_tags import TIERS, Terms

FILE = "features/catalogue.toml"
_WORTHS = ("mrr", "saving")


@dataclass(frozen=True)
class Entry:
    """A capability: its name for a person, its tier, and what it earns or saves each month (USD, one of them 0)."""

    name: str
    tier: int
    mrr: int
    saving: int

    def contradicts(self, found: Terms) -> str | None:
        """How the tags of its feature, `found`, say something else than the catalogue; None when they do not."""
        if (found.tier, found.mrr, found.saving) == (self.tier, self.mrr, self.saving):
            return None
        tags = _tags(found.tier, found.mrr, found.saving)
        return f"its tags say {tags}, {FILE} says {_tags(self.tier, self.mrr, self.saving)}; mend one of them"


@dataclass(frozen=True)
class Catalogue:
    """Names of tiers by number, and entries by capability; a project without a catalogue has neither."""

    tiers: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> "Catalogue":
        """The catalogue of the project at `root`. Raises FeatureTagError naming the entry that is wrong."""
        try:
            data = tomllib.loads((root / FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise FeatureTagError(f"{FILE} cannot be read: {error}") from error
        entries = {key: _entry(key, value) for key, value in data.get("capabilities", {}).items()}
        return cls(data.get("tiers", {}), entries)


def _entry(key: str, value: object) -> Entry:
    """An entry of the file: a name, a tier, and one of mrr and saving."""
    if isinstance(value, dict) and isinstance(value.get("name"), str) and value.get("tier") in TIERS:
        worth = [value[kind] for kind in _WORTHS if kind in value]
        if len(worth) == 1 and isinstance(worth[0], int) and len(value) == 3:
            return Entry(value["name"], value["tier"], value.get("mrr", 0), value.get("saving", 0))
    raise FeatureTagError(f"{FILE}: {key} needs a name, a tier from 1 to 5, and either mrr or saving, in USD")


def _tags(tier: int, mrr: int, saving: int) -> str:
    return f"@tier{tier} @saving.{saving}" if saving else f"@tier{tier} @mrr.{mrr}"
