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
