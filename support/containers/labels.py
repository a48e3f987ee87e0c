"""Who owns a container: the labels that every container and network carries, and whether their owner still lives.

Standard library only, so that the guard starts quickly.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

RUN = "l3.run"
FEATURE = "l3.feature"
SERVICE = "l3.service"
MEMORY = "l3.memory"
HOST = "l3.host"
BOOT = "l3.boot"
NAMESPACE = "l3.namespace"
PID = "l3.pid"
BORN = "l3.born"


def owned_by_this_process(run: str) -> dict[str, str]:
    """The labels that tie a container to `run` and to this process: host, boot, pid namespace, pid and birth."""
    return {
        RUN: run,
        HOST: socket.gethostname(),
        BOOT: _boot(),
        NAMESPACE: _namespace(),
        PID: str(os.getpid()),
        BORN: _birth(os.getpid()) or "",
    }


def owner_is_dead(labels: Mapping[str, str]) -> bool:
    """Whether the owner named by `labels` is known to be gone.

    Only a process of this host can be known to be gone: another boot, or the same pid namespace without that pid
    (a pid that was given to another process has another birth). Of any other owner nothing is known: False.
    """
    if labels.get(HOST) != socket.gethostname():
        return False
    if labels.get(BOOT) != _boot():
        return True
    if labels.get(NAMESPACE) != _namespace():
        return False
    return _birth(int(labels.get(PID, "0"))) != labels.get(BORN)


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
