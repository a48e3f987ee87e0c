"""`./l3 doctor`: what is missing on this machine, with the mend for each, in under 2 s.

It changes nothing, and needs nothing but Python: the engine is asked over plain HTTP.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.cli import browser, engine_http, engine_start, virtualenv
from support.containers import address, clocks, labels
from support.errors import SuiteError
from support.images import manifest
from support.settings import Settings

_WITHIN_S = 1.5
_OVER_SSH_WITHIN_S = 20.0  # each question makes a connection of its own
_GIB = 1024**3
_REPORTS_NEED = 1 * _GIB
_ENGINE_NEEDS = 5 * _GIB


@dataclass(frozen=True)
class Finding:
    """What was seen of one thing, and what mends it; `mend` is None where nothing is missing."""

    what: str
    seen: str
    mend: str | None = None


class Engine:
    """What the engine says of itself. All questions may take 1.5 s, over ssh 20 s; then each raises OSError."""

    def __init__(self) -> None:
        """Raises EngineError when the name of the engine leads nowhere."""
        self.address = address.find(os.environ)
        self._end = time.monotonic() + (_OVER_SSH_WITHIN_S if self.address.over_ssh else _WITHIN_S)

    def ask(self, path: str) -> Any:
        """The engine's answer to GET `path`."""
        return engine_http.get_json(self.address, path, max(0.01, self._end - time.monotonic()))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing of its own."""


def execute(options: argparse.Namespace) -> int:
    """Prints a line for each check. Returns 0 when everything is there, else 1."""
    findings = [*_python(), *_settings(), *_engine()]
    for finding in findings:
        print(f"{'missing' if finding.mend else 'ok':8} {finding.what:20} {finding.seen}")
        if finding.mend:
            print(f"{'':29} mend: {finding.mend}")
    return int(any(finding.mend for finding in findings))


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", f"{version}, {sys.executable}")
    if virtualenv.can_make():
        yield Finding("venv", "virtual environments can be made")
    else:
        yield Finding("venv", "ensurepip is not there", f"./l3 run as root does it, or: {virtualenv.VENV_MEND}")
    problem = virtualenv.missing([virtualenv.RUNTIME])
    # No lack: only the tests of the page take one.
    yield Finding("browser", browser.path() or f"{browser.lack()}; only ./l3 test takes one")
    yield Finding("requirements", problem or f"installed in {virtualenv.FOLDER}", problem and "./l3 run does it")


def _settings() -> Iterator[Finding]:
    try:
        settings = Settings.load(os.environ, {})
    except SuiteError as error:
        yield Finding("settings", str(error), "set it to such a value, or unset it")
        return
    yield Finding("settings", str(settings))
    other = "free some space, or name another folder by L3_REPORTS"
    yield _space("space for reports", settings.reports, _REPORTS_NEED, other)


def _engine() -> Iterator[Finding]:
    """The engine, and what it has; of an engine that does not answer, nothing more is asked."""
    try:
        engine = Engine()
    except SuiteError as error:
        yield Finding("engine", str(error), "see there")
        return
    try:
        info = engine.ask("/info")
        yield Finding("engine", f"{info['ServerVersion']} at {engine.address.url}")
        if engine.address.elsewhere:
            yield from _other_machine(info)
        else:
            yield from _root_space(Path(info["DockerRootDir"]))
        yield _memory(info)
        yield from (_image(engine, entry) for entry in manifest.services().values())
        yield _leftovers(engine)
    except (OSError, ValueError, KeyError) as error:  # whoever answers there may be no engine
        seen = f"does not answer at {engine.address.url} ({engine_start.words(error)})"
        yield Finding("engine", seen, engine_start.mend(engine.address))


def _memory(info: Mapping[str, Any]) -> Finding:
    """What fleets may take at once: L3_MEMORY, or what the engine has, whichever is less."""
    seen = f"{info['MemTotal'] / _GIB:.1f} GB, {info['NCPU']} CPUs"
    lacking = [name for name in ("MemoryLimit", "CpuCfsQuota", "PidsLimit") if not info.get(name)]
    if lacking:
        return Finding("limits", f"{seen}; the engine cannot enforce {', '.join(lacking)}", "enable its cgroup")
    return Finding("limits", f"{seen}; memory, CPU and pids limits are enforced")


def _other_machine(info: Mapping[str, Any]) -> Iterator[Finding]:
    """What is another machine's: how its ports are reached, its clock, and its disk, of which nobody tells."""
    yield Finding(
        "engine's machine", f"{info['Name']}, whose ports are reached by a relay; its disk is not seen from here"
    )
    ahead_s = datetime.fromisoformat(info["SystemTime"]).timestamp() - time.time()
    yield Finding("clocks", clocks.told(ahead_s), None if clocks.agree(ahead_s) else clocks.MEND)


def _root_space(root: Path) -> Iterator[Finding]:
    # The disk of a virtual machine cannot be seen from here.
    if root.is_dir():
        yield _space("space for images", root, _ENGINE_NEEDS, f"free some space in {root}: docker system df")


def _space(what: str, folder: Path, need: int, mend: str) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    seen = f"{free / _GIB:.1f} GB free in {there}"
    return Finding(what, seen) if free >= need else Finding(what, f"{seen}, {need / _GIB:.0f} GB are needed", mend)


def _image(engine: Engine, entry: manifest.Entry) -> Finding:
    what = f"image {entry.service}"
    demanded = entry.override(os.environ)
    candidates = [demanded] if demanded else [entry.official, entry.stand_in]
    for reference in filter(None, candidates):
        try:
            engine.ask(f"/images/{quote(reference)}/json")
        except FileNotFoundError:
            continue
        return Finding(what, reference)
    return Finding(
        what,
        f"{candidates[0] or entry.stand_in} is not here",
        "./l3 run fetches it, and so does ./l3 images build (or pull)",
    )


def _leftovers(engine: Engine) -> Finding:
    """Containers of dead runs, as `./l3 clean` would find them. No lack: the next run removes them."""
    filters = quote(json.dumps({"label": [labels.RUN]}))
    found = engine.ask(f"/containers/json?all=1&filters={filters}")
    dead = sum(labels.owner_is_dead(container["Labels"]) for container in found)
    seen = f"{dead} containers of dead runs" + (" (./l3 clean removes them)" if dead else "")
    if orphans := labels.orphans(found):
        seen += f"; of runs of which nothing certain is known (./l3 clean --orphans asks): {', '.join(orphans)}"
    return Finding("leftovers", seen)
