"""Doing something for many, or beside something else."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_AT_ONCE = 8
One = TypeVar("One")


@contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """`count` threads, whose work is done when the block is left.

    After an error what has not begun is not done any more; after an interruption or at a deadline nobody is waited for.
    """
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
        pool.shutdown()
    except BaseException as error:
        pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
        raise


def for_each(crowd: Sequence[One], work: Callable[[One], object], at_once: int = _AT_ONCE) -> None:
    """Does `work` for each of `crowd`, `at_once` at a time; when all are done, the first error is raised."""
    with threads(at_once) as pool:
        futures = [pool.submit(work, one) for one in crowd]
    for future in futures:
        future.result()
