"""Parameters of a request: form fields with names such as items[0][price], and what an endpoint takes of them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import ApiError, invalid

_TRUTHS = {"true": True, "false": False}


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The tree of `pairs`: a[b]=1 is an object in a, a[0]=1 a list."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = re.findall(r"[^\[\]]+", name)
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
        branch[last] = value
    return {name: _listed(value) for name, value in tree.items()}


class Parameters:
    """The parameters of one request, of which an endpoint takes those that it knows. An empty one is not there."""

    def __init__(self, given: Mapping[str, Any], prefix: str = "") -> None:
        self._given, self._prefix = given, prefix

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def only(self, *known: str) -> "Parameters":
        """These, if all of them are `known`, or ask to `expand`. Raises ApiError naming one that is not."""
        for name in self._given:
            if name not in known and name != "expand":
                said = self._prefix + name
                raise invalid(f"Received unknown parameter: {said}", said, "parameter_unknown")
        return self

    def text(self, name: str, default: str | None = None) -> str | None:
        """The value, or `default`."""
        value = self._given.get(name) or default
        if value is not None and not isinstance(value, str):
            raise invalid(f"Invalid string: {name}", self._prefix + name)
        return value

    def needed(self, name: str) -> str:
        """The value. Raises ApiError when there is none."""
        value = self.text(name)
        if value is None:
            raise self._absent(name)
        return value

    def one_of(self, name: str, *choices: str) -> str:
        """The value, by default the first of `choices`."""
        value = self.text(name, choices[0])
        if value not in choices:
            raise invalid(f"Invalid {name}: must be one of {', '.join(choices)}", self._prefix + name)
        return str(value)

    def flag(self, name: str) -> bool | None:
        """true or false; None where nothing is said."""
        value = self.text(name)
        if value is None:
            return None
        if value not in _TRUTHS:
            raise invalid(f"Invalid boolean: {value}", self._prefix + name)
        return _TRUTHS[value]

    def integer(self, name: str, least: int = 0, default: int | None = None) -> int | None:
        """A whole number of at least `least`, or `default`."""
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d+", value) or int(value) < least:
            code = "parameter_invalid_integer"
            raise invalid(f"Invalid integer: {value}: it must be at least {least}", self._prefix + name, code)
        return int(value)

    def amount(self, name: str) -> int:
        """A positive whole number of minor units. Raises ApiError when there is none."""
        value = self.integer(name, least=1)
        if value is None:
            raise self._absent(name)
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """An object, such as metadata; empty where nothing is said."""
        value = self._given.get(name) or {}
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {name}", self._prefix + name)
        return dict(value)

    def inner(self, name: str) -> "Parameters":
        """The parameters in an object."""
        return Parameters(self.mapping(name), f"{self._prefix}{name}.")

    def each(self, name: str) -> "list[Parameters]":
        """The parameters in each member of a list of objects."""
        value = self._given.get(name) or []
        if not isinstance(value, list) or not all(isinstance(member, dict) for member in value):
            raise invalid(f"Invalid array: {name}", self._prefix + name)
        return [Parameters(member, f"{self._prefix}{name}[{number}].") for number, member in enumerate(value)]

    def expand(self) -> list[str]:
        """What of the answer is asked for as an object in the place of its id."""
        value = self._given.get("expand") or []
        return [str(path) for path in value] if isinstance(value, list) else [str(value)]

    def _absent(self, name: str) -> ApiError:
        said = self._prefix + name
        return invalid(f"Missing required param: {said}.", said, "parameter_missing")


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(member) for name, member in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
