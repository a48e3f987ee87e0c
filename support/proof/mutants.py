"""Mutants as they stand in their files: one realistic bug each, and the scenarios that must catch it."""

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.parser import parse_file

from support.containers.layout import CAPABILITIES
from support.errors import MutantError
from support.ledger.plan import slug
from support.run.selection import titled_scenarios
from support.settings import ROOT

OWN = "mutants.toml"
_TEXTS = ("id", "title", "file", "before", "after")
_FIELDS = (*_TEXTS, "scenarios")


@dataclass(frozen=True)
class Promises:
    """What a capability promises: the path of its feature below the root, and its scenarios, id -> title.

    `names` are the words by which a scenario may be named, each with its id: the id, the title, and for a row of an
    outline also its title without the values that the outline's title does not mention.
    """

    capability: str
    feature: str
    scenarios: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Mutant:
    """One bug. `file` is as its author wrote it; `before` becomes `after`; `scenarios` are ids. All of one file."""

    capability: str
    id: str
    title: str
    file: str
    before: str
    after: str
    scenarios: tuple[str, ...]
    origin: str

    @property
    def key(self) -> str:
        """Its name among the mutants of all capabilities, fit for a file."""
        return f"{self.capability}.{slug(self.id)}"

    def __str__(self) -> str:
        """How messages name it."""
        return f"{self.origin}: mutant {self.id!r}"


def promises(root: Path = ROOT) -> dict[str, Promises]:
    """The promises of every feature below `root`, by capability."""
    paths = sorted((root / "features").rglob("*.feature"))
    return {path.stem: _promises_in(path, path.relative_to(root).as_posix()) for path in paths}


def load_own(known: Mapping[str, Promises]) -> list[Mutant]:
    """The project's mutants, which each capability has in its folder. Raises MutantError as `load` does."""
    return _load({path.parent.name: path for path in sorted(CAPABILITIES.glob(f"*/{OWN}"))}, known)


def load(folder: Path, known: Mapping[str, Promises]) -> list[Mutant]:
    """The mutants in `folder`, of each of its files `<capability>.toml`; `known` are the capabilities.

    Raises MutantError with everything that is wrong in them, and where.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if not paths:
        raise MutantError(f"{folder} has no mutants; expected files there such as websocket_redis_pubsub.toml")
    return _load(paths, known)


def _load(paths: Mapping[str, Path], known: Mapping[str, Promises]) -> list[Mutant]:
    problems: list[str] = []
    mutants = [mutant for key, path in paths.items() for mutant in _in_file(key, path, known, problems)]
    if problems:
        raise MutantError("\n".join(problems))
    return mutants


def chosen(mutants: Iterable[Mutant], capabilities: Iterable[str], ids: Iterable[str]) -> list[Mutant]:
    """Those of `mutants` that are of one of `capabilities` and have one of `ids`; an empty choice means all.

    Raises MutantError for a capability or an id that no mutant has.
    """
    found = list(mutants)
    for wanted, field, what in ((list(capabilities), "capability", "of the capability"), (list(ids), "id", "called")):
        there = {getattr(mutant, field) for mutant in found}
        for word in wanted:
            if word not in there:
                raise MutantError(f"there is no mutant {what} {word}{_nearest(word, there)}")
        found = [mutant for mutant in found if not wanted or getattr(mutant, field) in wanted]
    return found


def _promises_in(path: Path, shown: str) -> Promises:
    feature = parse_file(str(path))
    titled = [(s, title, f"{path.stem}/{slug(title)}") for s, title in (titled_scenarios(feature) if feature else ())]
    titles = {key: title for _, title, key in titled}
    # behave adds the number of the row to the title of one that comes from an outline.
    bare = [(scenario.name.partition(" -- @")[0], key) for scenario, _, key in titled]
    counts = Counter(name for name, _ in bare)
    names = {name: key for name, key in bare if counts[name] == 1}
    return Promises(
        path.stem, shown, titles, names | {t: key for key, t in titles.items()} | {key: key for key in titles}
    )


def _in_file(capability: str, path: Path, known: Mapping[str, Promises], problems: list[str]) -> Iterator[Mutant]:
    """The mutants of one file; what is wrong with an entry goes to `problems`, and the others are read on."""
    origin = _shown(path)
    try:
        entries = _entries(capability, path, origin, known)
    except MutantError as error:
        problems.append(str(error))
        return
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        try:
            mutant = _mutant(entry, f"{origin}: mutant {number}", origin, known[capability])
            if mutant.key in seen:
                raise MutantError(f"{mutant}: an earlier one has the same id, or one as good as the same; rename one")
            seen.add(mutant.key)
            yield mutant
        except MutantError as error:
            problems.append(str(error))


def _entries(capability: str, path: Path, origin: str, known: Mapping[str, Promises]) -> list[Any]:
    if capability not in known:
        guess = _nearest(capability, known)
        raise MutantError(f"{origin}: there is no capability {capability}{guess}; call it after the capability")
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise MutantError(f"{origin}: it cannot be read as TOML: {error}") from error
    entries = said.get("mutant")
    if said.keys() != {"mutant"} or not isinstance(entries, list) or not entries:
        raise MutantError(f"{origin}: expected [[mutant]] entries and nothing else, got {', '.join(said) or 'nothing'}")
    return entries


def _mutant(entry: Any, where: str, origin: str, promised: Promises) -> Mutant:
    fields = entry if isinstance(entry, dict) else {}
    if isinstance(fields.get("id"), str):
        where = f"{origin}: mutant {fields['id']!r}"
    for odd in fields.keys() - set(_FIELDS):
        raise MutantError(f"{where}: {odd} is no field of a mutant; it has {', '.join(_FIELDS)}")
    for name in _TEXTS:
        if not isinstance(fields.get(name), str) or not (fields[name].strip() or name == "after"):
            raise MutantError(f"{where}: expected a text for {name}, got {fields.get(name)!r}")
    if not slug(fields["id"]):
        raise MutantError(f"{where}: expected an id with a letter or a digit")
    if fields["before"] == fields["after"]:
        raise MutantError(f"{where}: before and after are the same, so nothing is broken")
    claims = _claims(fields.get("scenarios"), where, promised)
    texts = {name: fields[name] for name in _TEXTS}
    return Mutant(capability=promised.capability, **texts, scenarios=claims, origin=origin)


def _claims(said: Any, where: str, promised: Promises) -> tuple[str, ...]:
    """The ids of the scenarios that a mutant names by their titles or ids."""
    if not isinstance(said, list) or not said or not all(isinstance(name, str) for name in said):
        raise MutantError(f"{where}: expected a list of the scenarios that must catch it, got {said!r}")
    for name in said:
        if name not in promised.names:
            raise MutantError(f"{where}: {promised.feature} has no scenario {name!r}{_nearest(name, promised.names)}")
    return tuple(dict.fromkeys(promised.names[name] for name in said))


def _nearest(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known[:8])}"


def _shown(path: Path) -> str:
    path = path.resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
