"""Memory of a container read from its control group: at once, where the engine's own statistics take 2 s."""

from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def peak_memory_of(pid: int) -> int | None:
    """The peak of the control group of `pid` in bytes (cgroups v1 and v2); None on a machine that does not show it."""
    for path in _peak_files(pid):
        try:
            return int(path.read_text(encoding="utf-8"))
        except OSError:
            continue
    return None


def _peak_files(pid: int) -> list[Path]:
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    groups = [line.split(":", 2) for line in lines]
    v1 = [_ROOT / "memory" / path.lstrip("/") for _, kinds, path in groups if "memory" in kinds.split(",")]
    v2 = [_ROOT / path.lstrip("/") for _, kinds, path in groups if not kinds]
    return [g / "memory.max_usage_in_bytes" for g in v1] + [g / "memory.peak" for g in v2]
