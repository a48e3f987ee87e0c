"""The source of the reference platform, and what a mutant makes of it."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from support.errors import MutantError
from support.proof.mutants import Mutant
from support.settings import ROOT

REFERENCE = ROOT / "support" / "reference"
_PACKAGE = REFERENCE.name
_FROM_ROOT = REFERENCE.relative_to(ROOT).as_posix() + "/"

Files = Mapping[str, bytes]


def unchanged() -> dict[str, bytes]:
    """The package as a node runs it: path -> content, the path beginning with the package's name.

    Without what an interpreter compiled: that would be run instead of a changed source.
    """
    return {f"{_PACKAGE}/{path.relative_to(REFERENCE).as_posix()}": path.read_bytes() for path in _sources()}


def changed(files: Files, mutant: Mutant) -> dict[str, bytes]:
    """`files` with the bug in them. Raises MutantError, showing where, unless its text is there exactly once."""
    path = _path_in(files, mutant)
    text = files[path].decode()
    places = list(_places(text, mutant.before))
    shown = _FROM_ROOT + path.removeprefix(f"{_PACKAGE}/")
    if not places:
        raise MutantError(f"{mutant}: its text is not in {shown}; the nearest lines there are\n{_near(text, mutant)}")
    if len(places) > 1:
        lines = ", ".join(str(text.count("\n", 0, place) + 1) for place in places)
        raise MutantError(
            f"{mutant}: its text must be in {shown} once and is there {len(places)} times, "
            f"from the lines {lines} on; take more of what stands around it into before and after"
        )
    return {**files, path: text.replace(mutant.before, mutant.after).encode()}


def apply_all(mutants: Iterable[Mutant]) -> None:
    """Sees that each of `mutants` applies to the source as it is. Raises MutantError for the first that does not."""
    files = unchanged()
    for mutant in mutants:
        changed(files, mutant)


def difference(files: Files, mutant: Mutant) -> str:
    """The change of the mutant as a unified diff."""
    path = _path_in(files, mutant)
    before, after = (some[path].decode().splitlines() for some in (files, changed(files, mutant)))
    shown = _FROM_ROOT + path.removeprefix(f"{_PACKAGE}/")
    return "\n".join(difflib.unified_diff(before, after, shown, shown, n=2, lineterm=""))


def _path_in(files: Files, mutant: Mutant) -> str:
    """The file of the mutant in the package; it may be named from there or from the project's root."""
    path = f"{_PACKAGE}/{mutant.file.removeprefix(_FROM_ROOT)}"
    if path not in files:
        near = difflib.get_close_matches(path, files, 1)
        guess = f"; did you mean {near[0].removeprefix(f'{_PACKAGE}/')}?" if near else ""
        raise MutantError(f"{mutant}: there is no file {mutant.file} in {_FROM_ROOT}{guess}")
    return path


def _places(text: str, part: str) -> Iterator[int]:
    """Where `part` begins in `text`, also where two of them overlap."""
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + 1)


def _near(text: str, mutant: Mutant) -> str:
    """The lines of `text` that are most like those that the mutant expects, with their numbers."""
    lines, wanted = text.splitlines(), mutant.before.strip("\n").splitlines()
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2("\n".join(wanted))

    def likeness(start: int) -> float:
        matcher.set_seq1("\n".join(lines[start : start + len(wanted)]))
        return matcher.ratio()

    best = max(range(max(1, len(lines) - len(wanted) + 1)), key=likeness)
    return "\n".join(f"{number:5}  {lines[number - 1]}" for number in range(best + 1, best + 1 + len(wanted)))


def _sources() -> list[Path]:
    paths = (path for path in sorted(REFERENCE.rglob("*")) if path.is_file())
    return [path for path in paths if "__pycache__" not in path.parts and not path.name.startswith(".")]
