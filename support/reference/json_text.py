"""JSON as RFC 8259 has it, which is a little less than Python's json module reads and writes."""

import json
from typing import Any, NoReturn


def parse_json(text: str) -> Any:
    """The value that the text stands for; raises ValueError if it is not JSON (NaN and Infinity are not)."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def to_json(value: Any) -> str:
    """Compact ASCII text, so that its length in characters is its length in bytes."""
    return json.dumps(value, separators=(",", ":"))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
