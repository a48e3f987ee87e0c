"""Waiting: poll with a deadline, never sleep and hope."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def poll(check: Callable[[], Answer], within_s: float, every_s: float = 0.05) -> Answer:
    """Asks `check` every `every_s` seconds until its answer is true, at most for `within_s` seconds.

    Returns the last answer, so that a false one can be told about. It is asked once more at the deadline, so that
    a machine that stalls for a moment does not make the last question come too early.
    """
    end = time.monotonic() + within_s
    while True:
        last_question = time.monotonic() >= end
        answer = check()
        if answer or last_question:
            return answer
        time.sleep(min(every_s, max(0.0, end - time.monotonic())))


def look_until(
    well: Callable[[Answer], object], look: Callable[[], Answer], within_s: float, every_s: float = 0.05
) -> Answer:
    """What `look` sees as soon as it is `well`, asked as by `poll`; else what it saw last.

    The look that ends the wait is the one to be judged: another may see what came in between.
    """
    looks: list[Answer] = []

    def is_well() -> object:
        looks.append(look())
        return well(looks[-1])

    poll(is_well, within_s, every_s)
    return looks[-1]
