"""A platform as the suite knows it: one folder, with an adapter for each capability that it has."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from support.clients.exchanges import Exchanges
from support.containers.platform import Node
from support.errors import AdapterError
from support.settings import ROOT

REFERENCE = ROOT / "support" / "platforms" / "reference"
_PACKAGE = "l3_platform"  # the folder's modules, wherever it is, so that adapters can import their neighbours


@dataclass(frozen=True)
class Door:
    """Where an adapter meets one node: its `name` in messages, its `role`, its `url` (http://host:port).

    `environment` is what the node was told, the platform's own settings and secrets included. What is said through
    the door is noted in `exchanges`.
    """

    name: str
    role: str
    url: str
    environment: Mapping[str, str]
    exchanges: Exchanges


class Platform:
    """The platform in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(folder)]
        sys.modules[_PACKAGE] = package

    def adapter_of(self, capability: str) -> type[Any]:
        """The class `Adapter` that talks to a node about `capability`. Raises AdapterError with the mend."""
        path = self.folder / f"{capability}.py"
        if not path.is_file():
            raise AdapterError(f"{self.folder} has no adapter {path.name}, so {capability} is not judged")
        try:
            found = getattr(import_module(f"{_PACKAGE}.{capability}"), "Adapter", None)
        except Exception as error:  # an adapter is somebody's code, and may raise anything while it loads
            raise AdapterError(f"the adapter {path} does not load: {type(error).__name__}: {error}") from error
        if not isinstance(found, type):
            raise AdapterError(f"the adapter {path} has no class Adapter")
        return found


def door_to(node: Node, exchanges: Exchanges) -> Door:
    """The door to a node of a fleet."""
    return Door(node.name, node.role, node.url, dict(node.env), exchanges)
