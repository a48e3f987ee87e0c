"""What only an adapter may know, found in Python code: paths of URLs, messages, HTTP statuses, close codes, SQL."""

import ast
import re
from collections.abc import Iterator

_ROUTE = re.compile(r"/[a-z][a-z0-9_.-]*(/.*)?$")
_FILES = re.compile(r"/(proc|tmp|data|etc|dev|var|sys|usr|bin|app)\b|.*\.(py|toml)$")  # and so no routes
_QUERY = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+([\w.]+)\b(?!\s*\()|\b(?:INTO|UPDATE|insert\s+into|delete\s+from)\s+([\w.]+)")
_NOBODYS = re.compile(r"(pg_|system\.|information_schema|l3_)")  # of the server itself, and of the suite's baselines
_CODED = re.compile(r"(^|_)(status|status_code|close_code|code)$", re.IGNORECASE)
_CODE_NAMES = re.compile(r"(CODE|STATUS|CLOSED?|GOING_AWAY|UNAUTHORIZED|FORBIDDEN|TOO_SLOW)$")


def found_in(tree: ast.AST) -> list[str]:
    """Each as "line: what", in the order of the lines."""
    nodes = list(ast.walk(tree))
    spared = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    spared |= {id(text) for node in nodes for path in _third_parties(node) for text in ast.walk(path)}
    found = {(node.lineno, what) for node in nodes for what in _in(node, spared) if hasattr(node, "lineno")}
    return [f"line {line}: {what}" for line, what in sorted(found)]


def _third_parties(node: ast.AST) -> Iterator[ast.AST]:
    """Paths of calls as they arrive at a third party, which the suite plays: path="/v1/x", {"path": "/v1/x"}."""
    if isinstance(node, ast.keyword) and node.arg == "path":
        yield node.value
    if isinstance(node, ast.Dict):
        yield from (v for k, v in zip(node.keys, node.values, strict=True) if getattr(k, "value", None) == "path")


def _in(node: ast.AST, spared: set[int]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spared:
        if _ROUTE.match(node.value) and not _FILES.match(node.value):
            yield f"the route {node.value!r}"
        for table in _tables(node.value):
            yield f"the table {table}"
    if isinstance(node, ast.Dict) and any(isinstance(key, ast.Constant) and key.value == "type" for key in node.keys):
        yield "a message of a protocol"
    if isinstance(node, ast.Compare) and any(map(_is_coded, [node.left, *node.comparators])):
        yield from (f"the code {number}" for side in [node.left, *node.comparators] for number in _codes(side))
    if isinstance(node, ast.Match) and _is_coded(node.subject):
        yield from (f"the code {number}" for case in node.cases for number in _codes(case.pattern))
    if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and _CODE_NAMES.search(t.id) for t in node.targets):
        yield from (f"the code {number}" for number in _codes(node.value))


def _is_coded(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return bool(_CODED.search(name))


def _codes(node: ast.AST) -> Iterator[int]:
    """Numbers that are HTTP statuses (RFC 9110) or close codes of WebSockets (RFC 6455)."""
    for part in ast.walk(node):
        number = part.value if isinstance(part, ast.Constant) else None
        if type(number) is int and (100 <= number <= 599 or 1000 <= number <= 4999):
            yield number


def _tables(text: str) -> list[str]:
    """The tables of the platform's own that a query names; keywords in small letters are prose, but for two."""
    if not _QUERY.match(text):
        return []
    named = [first or second for first, second in _TABLE.findall(text)]
    return [table for table in named if not _NOBODYS.match(table)]
