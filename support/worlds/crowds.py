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


def for_each(crowd: Sequence[One], work: Callable[[One], object]) -> None:
    """Does `work` for each of `crowd`, eight at a time; when all are done, the first error is raised."""
    with threads(_AT_ONCE) as pool:
        futures = [pool.submit(work, one) for one in crowd]
    for future in futures:
        future.result()
