"""Who owns a container: the labels that every container and network carries, and whether their owner still lives.

Standard library only, so that the guard starts quickly.
"""

import os
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

RUN = "l3.run"
FEATURE = "l3.feature"
SERVICE = "l3.service"
MEMORY = "l3.memory"
HOST = "l3.host"
BOOT = "l3.boot"
NAMESPACE = "l3.namespace"
PID = "l3.pid"
BORN = "l3.born"

Owner = Literal["alive", "dead", "unknown"]


def owned_by_this_process(run: str) -> dict[str, str]:
    """The labels that tie a container to `run` and to this process: host, boot, pid namespace, pid and birth."""
    return {
        RUN: run,
        HOST: _host(),
        BOOT: _boot(),
        NAMESPACE: _namespace(),
        PID: str(os.getpid()),
        BORN: _birth(os.getpid()) or "",
    }


def container_name(labels: Mapping[str, str], service: str) -> str:
    """What the container of a `service` is called, by the labels of its fleet.

    With the process, because of one run several may each have a fleet of the same feature.
    """
    return f"l3-{labels[RUN]}-{labels[FEATURE]}-{labels[PID]}-{service}"[:120]


def owner_of(labels: Mapping[str, str]) -> Owner:
    """What is known of the owner that `labels` name.

    A process of this boot and pid namespace lives or not (a pid that was given to another process has another birth),
    and nothing of an earlier boot of this host does. Of any other owner nothing is certain.
    """
    if labels.get(BOOT) != _boot():
        return "dead" if labels.get(HOST) == _host() else "unknown"
    if labels.get(NAMESPACE) != _namespace():
        return "unknown"
    return "alive" if _birth(int(labels.get(PID, "0"))) == labels.get(BORN) else "dead"


def owner_is_dead(labels: Mapping[str, str]) -> bool:
    """Whether the owner named by `labels` is known to be gone."""
    return owner_of(labels) == "dead"


def owner_is_unknown(labels: Mapping[str, str]) -> bool:
    """Whether nothing certain is known of the owner named by `labels`, as of a CI container that was killed whole."""
    return owner_of(labels) == "unknown"


def orphans(listed: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names and ages, as "name (3.2 h)", of those containers of the engine's listing whose owner is unknown."""
    return [
        f"{container['Names'][0].lstrip('/')} ({(time.time() - container['Created']) / 3600:.1f} h)"
        for container in listed
        if owner_is_unknown(container["Labels"])
    ]


def _host() -> str:
    """This machine's name, and what tells it from others of that name that use the same engine (machine-id(5))."""
    try:
        own = Path("/etc/machine-id").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        own = ""
    return f"{socket.gethostname()} {own}".strip()


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8", errors="replace").strip()


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _birth(pid: int) -> str | None:
    """When `pid` started, in clock ticks since boot (proc(5), stat field 22); None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]
