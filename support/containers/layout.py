"""How a capability's fleet is laid out, as its nodes.toml says: how many nodes in which roles, called what, set how.

The nouns are what sentences call the nodes and the stores by, so a sentence about a fault says "the second worker".
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.errors import FleetError
from support.settings import ROOT

CAPABILITIES = ROOT / "support" / "capabilities"
FILE = "nodes.toml"
_ROLE_KEYS = ("count", "plural", "settings", "movable_clock")
_KEYS = ("roles", "commands", "stores", "files", "settings")


@dataclass(frozen=True)
class Role:
    """Nodes of one kind: `noun` is what a sentence calls one of them; `settings` is the environment of these alone.

    `movable_clock`: their clocks can be set ahead and behind, which makes each look at them cost some microseconds.
    """

    noun: str
    plural: str
    count: int = 2
    settings: Mapping[str, str] = field(default_factory=dict)
    movable_clock: bool = False

    @property
    def names(self) -> list[str]:
        """The names of its containers: gateway-1, gateway-2."""
        return [f"{self.noun.replace(' ', '-')}-{number}" for number in range(1, self.count + 1)]


@dataclass(frozen=True)
class Layout:
    """The roles of the nodes, what sentences call each store (noun -> container), and the environment of all nodes.

    `commands` are run once, when a scenario says so, as many side by side as their count. `files` are the target's
    own that a service is given: service -> name -> path in its container.
    """

    roles: tuple[Role, ...] = (Role("node", "nodes"),)
    commands: tuple[Role, ...] = ()
    stores: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def layout_of(capability: str, folder: Path = CAPABILITIES) -> Layout:
    """The layout that `capability` has in its folder. Raises FleetError with the file, what is wrong, and the mend."""
    path = folder / capability / FILE
    shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FleetError(_missing(path, shown)) from error
    except (OSError, ValueError) as error:
        raise FleetError(f"{shown} cannot be read: {error}") from error
    problems = list(_no_tables(said)) or list(_problems(said))
    if problems:
        raise FleetError(f"{shown}: {'; '.join(problems)}")
    return Layout(
        roles=tuple(_role(noun, role) for noun, role in said["roles"].items()),
        commands=tuple(_role(noun, role) for noun, role in said.get("commands", {}).items()),
        files=said.get("files", {}),
        stores=said.get("stores", {}),
        settings=said.get("settings", {}),
    )


def all_layouts(folder: Path = CAPABILITIES) -> Iterator[Layout]:
    """Every layout that can be read; what is wrong with another is told when its feature begins."""
    for path in sorted(folder.glob(f"*/{FILE}")):
        try:
            yield layout_of(path.parent.name, folder)
        except FleetError:
            continue


def _role(noun: str, said: Mapping[str, Any]) -> Role:
    plural, count = said.get("plural", f"{noun}s"), said.get("count", 2)
    return Role(noun, plural, count, said.get("settings", {}), said.get("movable_clock", False))


def _missing(path: Path, shown: str) -> str:
    others = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    there = [name for name in others if name.endswith(".toml") and name != "mutants.toml"]
    near = difflib.get_close_matches(path.name, there, 1)
    mend = f"rename {near[0]}" if near else "it says how many nodes there are, what they are called, how they are set"
    return f"there is no {shown}; {mend} (docs/architecture.md, Adding one)"


def _no_tables(said: Mapping[str, Any]) -> Iterator[str]:
    """What stands where a table is expected."""
    tables = {key: said[key] for key in _KEYS if key in said}
    for key in ("roles", "commands", "files"):
        if isinstance(tables.get(key), dict):
            tables |= {f"{key}.{name}": value for name, value in tables[key].items()}
    for key, table in list(tables.items()):
        if "." in key and isinstance(table, dict) and "settings" in table:
            tables[f"{key}.settings"] = table["settings"]
    for key, value in tables.items():
        if not isinstance(value, dict):
            yield f"{key}: expected a table [{key}], got {value!r}"


def _problems(said: Mapping[str, Any]) -> Iterator[str]:
    yield from _strangers(said, _KEYS, "")
    roles = said.get("roles", {})
    if not roles:
        yield "expected a [roles.NOUN] for each kind of node, such as [roles.gateway]"
    for noun, role in {**roles, **said.get("commands", {})}.items():
        yield from _strangers(role, _ROLE_KEYS, f" of the role {noun}")
        count = role.get("count", 2)
        if not isinstance(count, int) or count < 1:
            yield f"{noun}.count: expected a number of containers, got {count!r}"
        if not isinstance(movable := role.get("movable_clock", False), bool):
            yield f"{noun}.movable_clock: expected true or false, got {movable!r}"
        yield from _no_texts(role.get("settings", {}), f"{noun}.settings")
    for service, files in said.get("files", {}).items():
        yield from _no_texts(files, f"files.{service}")
    yield from _no_texts(said.get("settings", {}), "settings")
    yield from _no_texts(said.get("stores", {}), "stores")


def _strangers(said: Mapping[str, Any], known: Iterable[str], where: str) -> Iterator[str]:
    for key in said:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            yield f"{key} is no key{where}" + (f"; did you mean {near[0]}?" if near else f"; there are {list(known)}")


def _no_texts(said: Mapping[str, Any], where: str) -> Iterator[str]:
    for key, value in said.items():
        if not isinstance(value, str):
            yield f'{where}.{key}: expected a text such as "2", got {value!r}'
