"""Rules of the suite's own code that no linter knows."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The reference platform and the providers judge nothing, and are no part of the suite's process.
JUDGING = [ROOT / "environment.py"] + [
    path
    for folder in (ROOT / "support", ROOT / "steps")
    for path in sorted(folder.rglob("*.py"))
    if not {"reference", "providers"} & set(path.relative_to(ROOT).parts[:2])
]


def places(rule: Callable[[str], Iterator[int]]) -> list[str]:
    """Where the suite's own code has lines that `rule` finds."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in JUDGING}
    return [f"{name}:{line}" for name, text in texts.items() for line in rule(text)]


def bare_asserts(source: str) -> Iterator[int]:
    """The lines of `source` with a statement that an interpreter may leave out."""
    yield from (node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert))


def test_a_bare_assert_is_found() -> None:
    assert list(bare_asserts("if True:\n    assert False")) == [2]


def test_no_verdict_hangs_on_a_statement_that_an_interpreter_may_drop() -> None:
    assert places(bare_asserts) == [], "use support.promise.must, or PyHamcrest"


def unexamined(source: str) -> Iterator[int]:
    """The lines of `source` that hold an error of a connection against the target and do not ask where it is from."""
    for handler in ast.walk(ast.parse(source)):
        if isinstance(handler, ast.ExceptHandler) and handler.type:
            caught = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(handler.type)}
            if caught & {"OSError", "RequestException", "WebSocketException", "HTTPException"}:
                for node in ast.walk(handler):
                    said = getattr(node, "func", None) if isinstance(node, ast.Call) else None
                    if getattr(said, "id", "") in ("AssertionError", "broken", "must"):
                        yield handler.lineno


def test_an_error_that_is_held_against_the_target_unexamined_is_found() -> None:
    assert list(unexamined("try: ask()\nexcept (ValueError, requests.RequestException) as e:\n    broken(e)")) == [2]


def test_it_is_asked_where_an_error_of_a_connection_comes_from() -> None:
    assert places(unexamined) == [], "use support.origin.blame"


def without_encoding(source: str) -> Iterator[int]:
    """The lines of `source` that read or write text in whatever encoding the machine's locale has."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = {keyword.arg for keyword in node.keywords}
            if (called in ("read_text", "write_text") and "encoding" not in given) or (
                called in ("run", "Popen") and "text" in given
            ):
                yield node.lineno


def test_a_text_without_encoding_is_found() -> None:
    assert list(without_encoding("path.read_text()\nrun(a, text=True)\npath.write_text(a, encoding=b)")) == [1, 2]


def test_every_file_has_its_encoding() -> None:
    assert places(without_encoding) == []
