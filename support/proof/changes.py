"""What differs from an earlier revision, and the verdicts of which capabilities rest on that."""

import re
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from support.errors import SelectionError

_OWN = re.compile(
    r"features/(?:.+/)?([^/]+)\.feature|steps/([^/]+)\.py|support/(?:capabilities|reference)/([^/]+)/.+"
    r"|support/platforms/reference/([^/]+)\.py"
)
# What tells or documents verdicts, and what judges other platforms than the one that bugs are planted into. Whatever
# is neither this nor a capability's own is shared: a file that nobody thought of here is rather proved too often.
_NO_VERDICT_RESTS_ON = re.compile(
    r"(?:docs|tests|\.github|\.ci|support/report|support/cli)/.+|support/platforms/(?!reference/)[^/]+/.+"
    r"|.+\.md|l3|pyproject\.toml|features/catalogue\.toml|\.gitignore"
)


@dataclass(frozen=True)
class Changes:
    """The capabilities whose own files differ, and those of the shared files that do."""

    capabilities: frozenset[str]
    shared: tuple[str, ...]


def changes_since(revision: str, known: Collection[str], root: Path) -> Changes:
    """What differs from `revision` in the tree at `root`, committed or not; `known` are the capabilities.

    Raises SelectionError, with the mend, when git does not know the revision.
    """
    paths = list(_differing(revision, root))
    owners = {path: owner for path in paths if (owner := _owner(path)) in known}
    rest = (path for path in paths if path not in owners and not _NO_VERDICT_RESTS_ON.fullmatch(path))
    return Changes(frozenset(filter(None, owners.values())), tuple(rest))


def _owner(path: str) -> str | None:
    match = _OWN.fullmatch(path)
    return next(filter(None, match.groups())) if match else None


def _differing(revision: str, root: Path) -> Iterator[str]:
    commit = _git(root, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    yield from _paths(_git(root, revision, "diff", "--name-only", "--no-renames", "-z", commit.strip(), "--"))
    yield from _paths(_git(root, revision, "ls-files", "--others", "--exclude-standard", "-z"))


def _paths(told: str) -> list[str]:
    return [path for path in told.split("\0") if path]


def _git(root: Path, revision: str, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, encoding="utf-8", errors="replace", check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or "").strip()
        raise SelectionError(
            f"git knows no revision {revision} here{f' ({said})' if said else ''}; name one that `git log` shows (a "
            "shallow clone gets the others by `git fetch --unshallow`), or leave --changed out, and all is proved"
        ) from error
    return done.stdout
