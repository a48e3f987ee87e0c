"""The one way by which the suite holds the target to a promise: what is broken is an AssertionError.

A bare `assert` would do the same, but an interpreter may leave it out (PYTHONOPTIMIZE), and the promise would pass.
"""

from typing import NoReturn


def must(condition: object, otherwise: str) -> None:
    """Holds the target to `condition`. Raises AssertionError, with `otherwise` as its message, when it is not true."""
    if not condition:
        raise AssertionError(otherwise)


def broken(message: str) -> NoReturn:
    """The target has broken a promise: raises AssertionError with `message`."""
    raise AssertionError(message)
