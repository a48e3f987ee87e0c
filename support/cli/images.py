"""`./l3 images`: what each service runs from, and the ways to bring it here or to carry it elsewhere."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from support.errors import SuiteError
from support.images import manifest
from support.images.manifest import Entry
from support.progress import say
from support.settings import Settings

if TYPE_CHECKING:
    from docker import DockerClient

ACTIONS = {
    "list": "what a run would take, and what is missing",
    "pull": "pull the official images (or what L3_IMAGE_<SERVICE> names)",
    "build": "build the stand-ins, for machines without a registry",
    "save": "write the images to the archive FILE, fetching what is missing first",
    "load": "bring the images of the archive FILE to the engine",
    "check": "start each alone, and try what the suite relies on: for an image of your own, or a new tag",
}
DIFFERS = 1
WRONG_COMMAND = 2
COULD_NOT = 3
ROW = "{:<17} {:<42} {:<13} {:<9} {:>7}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares `images [ACTION] [FILE] [SERVICE…]`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "actions:\n" + "\n".join(f"  {name:6} {does}" for name, does in ACTIONS.items())
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="default: list")
    parser.add_argument("operands", nargs="*", metavar="FILE | SERVICE", help="the archive; the services (all)")


def execute(options: argparse.Namespace) -> int:
    """Does the action. 0: done; 1: an image differs; 2: a wrong command line; 3: an image could not be had."""
    action, operands = options.action, list(options.operands)
    wrong = _wrong(action, operands)
    if wrong:
        print(f"l3 images {action}: {wrong}", file=sys.stderr)
        return WRONG_COMMAND
    archive = Path(operands.pop(0)) if action in ("save", "load") else Path()
    try:
        return _do(action, archive, operands)
    except SuiteError as error:
        print(f"l3 images {action}: {error}", file=sys.stderr)
        return COULD_NOT


def _wrong(action: str, operands: Sequence[str]) -> str | None:
    entries = manifest.load()
    if action in ("save", "load") and not operands:
        return f"which archive? ./l3 images {action} FILE"
    services = operands[1:] if action in ("save", "load") else operands
    if action == "load" and services:
        return "an archive is loaded whole; leave out the services"
    if action == "check":
        return _not_started_alone(services)
    if unknown := [name for name in services if name not in entries]:
        return f"no service is called {', '.join(unknown)}; there are {', '.join(entries)}"
    if action == "pull" and (ours := [name for name in services if not _published(entries[name])]):
        return f"nobody publishes {', '.join(ours)}; ./l3 images build {' '.join(ours)}"
    return None


def _not_started_alone(services: Sequence[str]) -> str | None:
    from support.cli.contract import KINDS, kinds_of

    if unknown := [name for name in services if not kinds_of(name)]:
        there = f"there are {', '.join(KINDS)}, and for a platform ./l3 adapt"
        return f"no service that is started alone is called {', '.join(unknown)}; {there}"
    return None


def _do(action: str, archive: Path, services: Sequence[str]) -> int:
    from support.containers.engine import connect

    client = connect()
    if action == "check":
        return _check(services, client)
    entries = [manifest.load()[name] for name in services or manifest.load()]
    if action == "list":
        _list(entries, client)
    elif action == "pull":
        _pull(entries, client)
    elif action == "build":
        _build(entries, client)
    elif action == "save":
        _save(services or list(manifest.services()), archive, client)
    else:
        _load(archive, client)
    return 0


def _published(entry: Entry) -> str | None:
    return entry.override(os.environ) or entry.official


def _list(entries: Sequence[Entry], client: "DockerClient") -> None:
    from support.images.resolution import local

    print(ROW.format("service", "image", "digest", "source", "size"))
    for entry in entries:
        image = local(entry, client)
        if image:
            sources = {entry.official: "official", entry.stand_in: "stand-in"}
            source, digest = sources.get(image.reference, "override"), image.digest.removeprefix("sha256:")
            size = f"{image.size / 1e6:.0f} MB"
            print(ROW.format(entry.service, image.reference, digest[:12], source, size))
        else:
            print(ROW.format(entry.service, _published(entry) or entry.stand_in, "", "missing", "").rstrip())


def _pull(entries: Sequence[Entry], client: "DockerClient") -> None:
    from support.images.resolution import pull

    for entry in entries:
        if reference := _published(entry):
            image = pull(entry, reference, client, say)
            say(f"{entry.service}: {image.reference} is here, {image.digest}")
        else:
            say(f"{entry.service}: nobody publishes it; ./l3 images build {entry.service}")


def _build(entries: Sequence[Entry], client: "DockerClient") -> None:
    from support.images.resolution import build_stand_in

    for entry in entries:
        image = build_stand_in(entry, client, say)
        say(f"{entry.service}: {image.reference} is here, {image.digest}")


def _save(services: Sequence[str], archive: Path, client: "DockerClient") -> None:
    from support.images.archive import save
    from support.images.resolution import resolve_all

    images = resolve_all(services, client, say)
    size = save(list(images.values()), archive, client)
    say(f"{archive}: {len(images)} images ({', '.join(images)}), {size / 1e6:.0f} MB")


def _load(archive: Path, client: "DockerClient") -> None:
    from support.images.archive import load

    load(archive, client, say)


def _check(services: Sequence[str], client: "DockerClient") -> int:
    from support.cli.contract import KINDS, check, kinds_of

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    kinds = dict.fromkeys(kind for name in services or KINDS for kind in kinds_of(name))
    return 0 if check(list(kinds), client, Settings.load(os.environ, {}).memory_budget) else DIFFERS
