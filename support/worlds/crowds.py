"""Doing the same for many at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_AT_ONCE = 8
One = TypeVar("One")


def for_each(crowd: Sequence[One], work: Callable[[One], object]) -> None:
    """Does `work` for each of `crowd`, eight at a time; when all are done, the first error is raised."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(work, one) for one in crowd]
    for future in futures:
        future.result()
