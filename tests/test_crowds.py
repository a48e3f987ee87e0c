"""Work in threads, and how it ends."""

import threading
import time
from concurrent.futures import Future

import pytest

from support.worlds.crowds import for_each, threads


def test_all_is_done_when_the_block_is_left() -> None:
    done: list[int] = []
    with threads(2) as pool:
        for number in range(20):
            pool.submit(done.append, number)
    assert sorted(done) == list(range(20))


def test_an_interruption_waits_for_nobody_and_begins_nothing_more() -> None:
    over, second = threading.Event(), Future[bool]()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt), threads(1) as pool:
            pool.submit(over.wait, 20)
            second = pool.submit(over.wait, 20)
            raise KeyboardInterrupt
        assert time.monotonic() - began < 10
        assert second.cancelled()
    finally:
        over.set()


def test_after_an_error_no_more_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        for_each(range(200), work, at_once=1)
    assert begun == [0, 1]
