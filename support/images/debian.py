"""The base that stands in for Debian's official image: a release's minimal system, made by mmdebstrap."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from support.errors import ImageError
from support.images.build import redacted
from support.images.manifest import Entry
from support.progress import Step

TOOL = "mmdebstrap"
INSTALL_S = 300
MAKE_S = 600
LAST_LINES = 20
MEND = "reach an image registry, or ./l3 images load FILE, or name an image by"


def make(entry: Entry, client: docker.DockerClient, say: Callable[[str], None]) -> None:
    """Makes the system that `entry` describes and imports it as `entry.stand_in`.

    Installs mmdebstrap where that can be done (as root, by apt). Raises ImageError with the mend.
    """
    _expect_same_processor(entry, client)
    if not shutil.which(TOOL):
        _install(entry, say)
    with (
        Step(f"{entry.service}: making Debian {entry.suite} from its packages, as {entry.stand_in}"),
        tempfile.TemporaryDirectory(prefix="l3-debian-") as folder,
    ):
        system = Path(folder) / "system.tar"
        packages = [f"--include={','.join(entry.packages)}"] if entry.packages else []
        _run([TOOL, "--variant=minbase", *packages, entry.suite or "", str(system)], MAKE_S, entry)
        _import(entry, system, client)


def _expect_same_processor(entry: Entry, client: docker.DockerClient) -> None:
    """Raises ImageError where the system would be made for another processor than the engine's machine has."""
    try:
        there = client.info()["Architecture"]
    except (DockerException, requests.RequestException) as error:
        raise ImageError(f"the engine did not tell its processor: {error}") from error
    if there != platform.machine():
        told = f"{TOOL} would make a system for {platform.machine()}, and the engine's machine is {there}"
        raise ImageError(f"{told}; {MEND} {entry.variable}")


def _install(entry: Entry, say: Callable[[str], None]) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ImageError(f"{TOOL} is missing, and only root can install it, by apt; {MEND} {entry.variable}")
    say(f"installing {TOOL}")
    apt = ["apt-get", "-y", "-o", "DPkg::Lock::Timeout=120"]
    _run([*apt, "update"], INSTALL_S, entry)
    _run([*apt, "install", "--no-install-recommends", TOOL, "debian-archive-keyring"], INSTALL_S, entry)


def _run(command: list[str], within_s: float, entry: Entry) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", timeout=within_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        told = f"{' '.join(command)} did not end within {within_s:.0f} s"
        raise ImageError(f"{told}; {MEND} {entry.variable}") from error
    if done.returncode != 0:
        said = redacted("\n".join(done.stdout.splitlines()[-LAST_LINES:]))
        told = f"{' '.join(command)} ended with {done.returncode}"
        raise ImageError(f"{told}:\n{said}\n{MEND} {entry.variable}")


def _import(entry: Entry, system: Path, client: docker.DockerClient) -> None:
    repository, tag = entry.stand_in.split(":")
    changes = [f"LABEL l3.image={entry.service}", 'CMD ["bash"]']
    try:
        client.api.import_image(src=str(system), repository=repository, tag=tag, changes=changes)
    except (DockerException, requests.RequestException) as error:
        raise ImageError(f"the engine did not import {entry.stand_in}: {error}") from error
