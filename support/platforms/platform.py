"""A platform as the suite knows it: one folder, with an adapter for each capability that it has."""

import hashlib
import json
import secrets
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from support.clients.exchanges import Exchanges
from support.containers.fleet import names_given
from support.containers.platform import Node
from support.errors import AdapterError, PlatformError
from support.images import manifest
from support.images.manifest import Entry
from support.platforms import seam
from support.platforms.description import FILE, REFERENCE_NAME, Description, Judged, read
from support.settings import REFERENCE

SECRET = "JWT_SECRET"  # what every node verifies tokens with; a platform may ask for others
_PACKAGE = "l3_platform"  # the folder's modules, wherever it is, so that adapters can import their neighbours
_IMAGE = "image"  # the folder of its Dockerfile, if it has one: no part of the adapters


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
    """The platform in `folder`, which is read when something of it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in [name for name in sys.modules if name.startswith(f"{_PACKAGE}.")]:
            del sys.modules[name]  # of another platform, in the same process
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(folder)]
        sys.modules[_PACKAGE] = package

    @cached_property
    def said(self) -> Description:
        """What it says of itself. Raises PlatformError with the file, the key and the mend."""
        said = read(self.folder, names_given() | {SECRET})
        if said.name == REFERENCE_NAME and self.folder != REFERENCE:
            path = self.folder / FILE
            raise PlatformError(f"{path}: name: {said.name!r} is taken; its history would be mixed, so give it another")
        if said.base not in manifest.load():
            known = ", ".join(manifest.load())
            raise PlatformError(
                f"{self.folder / FILE}: base: there is no image {said.base} to build on; there are {known}"
            )
        return said

    @property
    def name(self) -> str:
        """What the page and the history call it."""
        return self.said.name

    @cached_property
    def judged(self) -> Judged:
        """Its name and folder, with a digest of what it is judged by: what it says of itself, and all its adapters.

        What it does not promise is judged like all else, and no part of that.
        """
        name, digest = self.name, hashlib.sha256()
        said = tomllib.loads((self.folder / FILE).read_text(encoding="utf-8"))
        said.pop("not_promised", None)
        adapters = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in self._modules()}
        for path, content in {FILE: json.dumps(said, sort_keys=True).encode(), **adapters}.items():
            for part in (path.encode(), content):
                digest.update(len(part).to_bytes(8, "big") + part)
        return Judged(name=name, digest=digest.hexdigest()[:12], folder=str(self.folder))

    def has(self, capability: str) -> bool:
        """Whether it has an adapter for `capability`."""
        return (self.folder / f"{capability}.py").is_file()

    def leaves_out(self, capability: str) -> bool:
        """Whether `capability` is not judged, for want of an adapter. The reference platform is to have all of them."""
        return self.folder != REFERENCE and not self.has(capability)

    def image(self) -> list[Entry]:
        """Where its image comes from, where that is another than the manifest's; L3_IMAGE_PLATFORM wins over both."""
        built = self.folder / _IMAGE / "Dockerfile"
        if not self.said.image and not built.is_file():
            return []
        base = manifest.load()[self.said.base] if built.is_file() else None
        named = self.said.image
        mend = (
            f"correct image in {self.folder / FILE}, or make it by docker build -t {named} FOLDER, or " if named else ""
        )
        return [Entry(Node.kind, named, built.parent, base, mend=mend)]

    def fresh_secrets(self) -> dict[str, str]:
        """A new secret for each name that it asks for, and the one that tokens are signed with."""
        return {name: secrets.token_hex(32) for name in (SECRET, *self.said.secrets)}

    def adapter_of(self, capability: str) -> type[Any]:
        """The class `Adapter` that talks to a node about `capability`. Raises AdapterError with the mend.

        It has been seen to have every method of the capability's Protocol.
        """
        path = self.folder / f"{capability}.py"
        if not path.is_file():
            raise AdapterError(f"{self.folder} has no adapter {path.name}, so {capability} is not judged")
        try:
            with _no_bytecode():
                found = getattr(import_module(f"{_PACKAGE}.{capability}"), "Adapter", None)
        except Exception as error:  # an adapter is somebody's code, and may raise anything while it loads
            raise AdapterError(f"the adapter {path} does not load: {seam.told(error, self.folder)}") from error
        if not isinstance(found, type):
            raise AdapterError(f"the adapter {path} has no class Adapter")
        seam.expect_methods(found, capability, path)
        return found

    def meet(self, capability: str, door: Door) -> Any:
        """An adapter for the node behind `door`, guarded: what it does wrong is an AdapterError, never the target's.

        Raises AdapterError.
        """
        return seam.guarded(lambda: self.adapter_of(capability)(door), capability, self.folder)

    def _modules(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*.py")):
            if path.relative_to(self.folder).parts[0] != _IMAGE:
                yield path


@contextmanager
def _no_bytecode() -> Iterator[None]:
    """What is imported in the block leaves no __pycache__ beside it: the folder is somebody's own."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def door_to(node: Node, exchanges: Exchanges) -> Door:
    """The door to a node of a fleet."""
    return Door(node.name, node.role, node.url, dict(node.env), exchanges)
