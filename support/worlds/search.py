"""The world of a capability, found by its key."""

import difflib
from importlib import import_module
from typing import Any

from support.containers.layout import CAPABILITIES
from support.errors import SuiteError
from support.worlds.world import World


def world_of(capability: str) -> type[World[Any]]:
    """The class `World` in the folder of `capability`. Raises SuiteError, with the mend, when there is none such."""
    path = CAPABILITIES / capability / "world.py"
    shown = f"support/capabilities/{capability}/world.py"
    if not path.is_file():
        near = difflib.get_close_matches(capability, [folder.name for folder in CAPABILITIES.iterdir()], 1)
        guess = f"; there is a folder {near[0]}" if near and near[0] != capability else ""
        raise SuiteError(f"there is no {shown}{guess}; it holds the class World of the scenarios")
    found = getattr(import_module(f"support.capabilities.{capability}.world"), "World", None)
    if not (isinstance(found, type) and issubclass(found, World)):
        raise SuiteError(f"{shown} has no class World that is built on support.worlds.world.World")
    return found
