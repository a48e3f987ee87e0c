"""The manifest: for each service its official image, and the build that stands in where no registry is."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Entry:
    """What the manifest says of one service.

    `official` is an image reference with its exact tag, or None where nobody publishes one. `folder` holds
    the Dockerfile of the stand-in, `sources` (name in the build context -> folder or file) is what else goes
    into it, `base` is the entry that it is built on. The first base has a `suite` of Debian and `packages`
    instead. `mend` is one more that is told when the image cannot be had.
    """

    service: str
    official: str | None
    folder: Path
    base: "Entry | None" = None
    sources: Mapping[str, Path] = field(default_factory=dict)
    suite: str | None = None
    packages: tuple[str, ...] = ()
    mend: str = ""

    @property
    def built(self) -> bool:
        """Whether there is anything to build a stand-in from."""
        return bool(self.base or self.suite)

    @property
    def stand_in(self) -> str:
        """The tag of our own build: another content of the context, or another base, is another tag."""
        content = hashlib.sha256()
        for part in self._contents():
            content.update(len(part).to_bytes(8, "big") + part)
        return f"l3/{self.service}:{content.hexdigest()[:12]}"

    @property
    def variable(self) -> str:
        """The environment variable that overrides the image, for example L3_IMAGE_REDIS."""
        return f"L3_IMAGE_{self.service.upper().replace('-', '_')}"

    def override(self, environ: Mapping[str, str]) -> str | None:
        """The reference that the environment demands instead, or None."""
        return environ.get(self.variable) or None

    def files(self) -> Iterator[tuple[str, Path]]:
        """The build context as (name in it, file), in an order that is the same everywhere."""
        yield from _files_below(self.folder, "")
        for name, source in sorted(self.sources.items()):
            if source.is_dir():
                yield from _files_below(source, f"{name}/")
            else:
                yield name, source

    def _contents(self) -> Iterator[bytes]:
        yield from (self.base.stand_in.encode() if self.base else b"", (self.suite or "").encode())
        yield from (package.encode() for package in self.packages)
        for name, path in self.files():
            yield name.encode()
            yield path.read_bytes()


@cache
def load(path: Path = HERE / "manifest.toml") -> dict[str, Entry]:
    """The entries by service, bases first. Raises KeyError when an entry's base does not stand above it."""
    entries: dict[str, Entry] = {}
    for service, said in tomllib.loads(path.read_text(encoding="utf-8")).items():
        entries[service] = Entry(
            service=service,
            official=said.get("official"),
            folder=path.parent / service,
            base=entries[said["base"]] if "base" in said else None,
            sources={name: ROOT / folder for name, folder in said.get("sources", {}).items()},
            suite=said.get("suite"),
            packages=tuple(said.get("packages", ())),
        )
    return entries


def services() -> dict[str, Entry]:
    """The entries that a fleet runs, by service; the others are only built on."""
    entries = load()
    bases = [entry.base.service for entry in entries.values() if entry.base]
    return {service: entry for service, entry in entries.items() if service not in bases}


def _files_below(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    # What an interpreter or a checker leaves behind is no source, and must not change the tag.
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in parts):
            yield prefix + "/".join(parts), path
