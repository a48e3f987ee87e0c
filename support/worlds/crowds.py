"""Doing something for many, or beside something else."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

_AT_ONCE = 8
One = TypeVar("One")


def portions(many: Sequence[One], size: int) -> list[Sequence[One]]:
    """`many` in their order, `size` at a time; the last ones may be fewer."""
    return [many[first : first + size] for first in range(0, len(many), size)]


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
    """Does `work` for each of `crowd`, `at_once` at a time. After an error, which is raised, no more is begun."""
    failed = Event()  # known at once to the thread that is free next, which takes another before anybody is told

    def do(one: One) -> None:
        if not failed.is_set():
            try:
                work(one)
            except BaseException:
                failed.set()
                raise

    with threads(at_once) as pool:
        for done in as_completed([pool.submit(do, one) for one in crowd]):
            done.result()
