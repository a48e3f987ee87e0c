"""Rules of the suite's own code that no linter knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The reference platform and the providers judge nothing, and are no part of the suite's process.
JUDGING = [
    path
    for folder in (ROOT / "support", ROOT / "steps")
    for path in sorted(folder.rglob("*.py"))
    if not {"reference", "providers"} & set(path.relative_to(ROOT).parts[:2])
]
# The last that still say `assert`; nothing is to be added.
NOT_YET = ("cache_invalidation_redis", "database_transaction_coordination", "websocket_redis_pubsub")


own_code = pytest.mark.parametrize("path", JUDGING, ids=lambda path: path.relative_to(ROOT).as_posix())


def bare_asserts(source: str) -> Iterator[int]:
    """The lines of `source` with a statement that an interpreter may leave out."""
    yield from (node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert))


def test_a_bare_assert_is_found() -> None:
    assert list(bare_asserts("if True:\n    assert False")) == [2]


@pytest.mark.parametrize(
    "path", [*JUDGING, ROOT / "environment.py"], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_no_verdict_hangs_on_a_statement_that_an_interpreter_may_drop(path: Path) -> None:
    if any(key in str(path) for key in NOT_YET):
        pytest.skip("it still says assert")
    assert not list(bare_asserts(path.read_text(encoding="utf-8"))), "use support.promise.must, or PyHamcrest"


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


@own_code
def test_every_file_has_its_encoding(path: Path) -> None:
    assert not list(without_encoding(path.read_text(encoding="utf-8")))
