"""Which commit a run stands on, and whether the tree is exactly that."""

import subprocess
from pathlib import Path
from typing import TypedDict

_WITHIN_S = 5.0


class Commit(TypedDict):
    """A commit's full hash. `clean`: nothing in the tree differs from it, and nothing untracked lies beside it."""

    id: str
    clean: bool


def commit_of(root: Path) -> Commit | None:
    """The commit that `root` has checked out; None without git, outside of a repository, or before its first commit."""
    command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch"]  # git-status(1), porcelain format 2
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=_WITHIN_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    found = [line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")]
    if not found or found[0] == "(initial)":
        return None
    return Commit(id=found[0], clean=all(line.startswith("#") for line in lines))
