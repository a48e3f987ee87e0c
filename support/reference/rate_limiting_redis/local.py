"""What a node counts by itself while Redis is away, so that a route that stays open is not open without bound."""

import time
from collections import deque

from cachetools import TTLCache

from .limiter import Decision

CUSTOMERS = 10_000  # of whom the calls are known at once; more at a time would share the memory of a node


class Local:
    """The same sliding window in the memory of one node: a customer may have the limit once at each."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._calls: TTLCache[str, deque[float]] = TTLCache(CUSTOMERS, window_s)

    def take(self, customer: str, limit: int, cost: int) -> Decision:
        """Counts a call of `customer` that costs `cost`, unless it would exceed `limit`."""
        now = time.monotonic()
        calls = self._calls.get(customer, deque())
        while calls and calls[0] <= now - self._window_s:
            calls.popleft()
        admitted = len(calls) + cost <= limit
        if admitted:
            calls.extend([now] * cost)
            self._calls[customer] = calls  # and lives for another window
        wait_s = 0.0 if admitted else calls[len(calls) + cost - limit - 1] + self._window_s - now
        return Decision(admitted, limit, max(0, limit - len(calls)), wait_s)
