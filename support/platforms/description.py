"""What a platform says of itself, in the platform.toml of its folder: name, image, environment, what it leaves open.

Whatever is wrong in it is told before anything is started, with the file, the key and the mend.
"""

import difflib
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from support.containers.target import Target, names_in
from support.errors import PlatformError

FILE = "platform.toml"
REFERENCE_NAME = "Reference platform"  # also whose the verdicts are that were kept before platforms had names
_EXPECTED = {  # the type of each key, and an example for whoever has written another
    "name": (str, '"Our platform"'),
    "image": (str, '"registry.example/ours:1.2.3"'),
    "base": (str, '"debian"'),
    "health": (str, '"/health"'),
    "process": (str, '"server"'),
    "secrets": (list, '["API_KEY"]'),
    "environment": (dict, 'a table such as OUR_REDIS = "{REDIS_URL}"'),
    "not_promised": (dict, 'a table such as "title of a scenario" = "the reason"'),
}
_TEXTS_IN = {"environment": '"{REDIS_URL}"', "not_promised": '"the reason"'}


class Judged(TypedDict):
    """The platform that is judged: its name, its folder, and a digest of what this holds but for its image."""

    name: str
    digest: str
    folder: str


@dataclass(frozen=True)
class Description:
    """A platform.toml that has been read.

    `image` is a reference, or None for the one of the manifest; `base` is the entry of the manifest that the
    Dockerfile in the folder's `image/` is built on. `secrets` are names for which each fleet gets a fresh secret.
    `not_promised` has a reason for each scenario, named by its title or its id.
    """

    name: str
    image: str | None = None
    base: str = "debian"
    secrets: tuple[str, ...] = ()
    target: Target = field(default_factory=Target)
    not_promised: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path, given: Collection[str]) -> Description:
    """The description in `folder`, whose templates may use the names in `given`. Raises PlatformError."""
    path = folder / FILE
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        mend = 'write one with a line name = "Our platform" (README.md, "Judging your own platform")'
        raise PlatformError(f"there is no {path}; {mend}") from error
    except (OSError, ValueError) as error:
        raise PlatformError(f"{path} cannot be read: {error}; mend it there") from error
    problems = [*_problems(said)] or [*_unknown_names(said, given)]
    if problems:
        raise PlatformError("\n".join(f"{path}: {problem}" for problem in problems))
    return Description(
        name=said["name"],
        image=said.get("image"),
        base=said.get("base", "debian"),
        secrets=tuple(said.get("secrets", ())),
        target=Target(said.get("health", "/health"), said.get("process", ""), said.get("environment")),
        not_promised=said.get("not_promised", {}),
    )


def _problems(said: Mapping[str, Any]) -> Iterator[str]:
    for key, value in said.items():
        if key not in _EXPECTED:
            yield f"{key} is no key of it; {_nearest(key, _EXPECTED)}"
        elif not isinstance(value, _EXPECTED[key][0]) or not value:
            yield f"{key}: expected {_EXPECTED[key][1]}, got {value!r}"
    if "name" not in said:
        yield 'name is missing: the page and the history call the platform by it; add name = "Our platform"'
    if isinstance(said.get("health"), str) and said["health"][:1] not in ("", "/"):
        yield f'health: expected a path such as "/health", got {said["health"]!r}'
    for table, example in _TEXTS_IN.items():
        for key, value in _table(said, table):
            if not isinstance(value, str) or (not value and table == "not_promised"):
                yield f"{table}.{key}: expected a text such as {example}, got {value!r}"
    for one in said["secrets"] if isinstance(said.get("secrets"), list) else ():
        if not isinstance(one, str):
            yield f'secrets: expected names such as "API_KEY", got {one!r}'


def _unknown_names(said: Mapping[str, Any], given: Collection[str]) -> Iterator[str]:
    known = {*given, *said.get("secrets", ())}
    for key, template in _table(said, "environment"):
        try:
            for name in names_in(template):
                if name not in known:
                    yield f"environment.{key}: the suite gives nothing called {name or '{}'}; {_nearest(name, known)}"
        except ValueError as error:
            yield f'environment.{key}: {error}; a template is like "{{REDIS_URL}}", and a brace is written twice'


def _table(said: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    found = said.get(name)
    return list(found.items()) if isinstance(found, dict) else []


def _nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
