"""Those who read invoices all the while: how long the longest of them waited."""

import time

from support.capabilities.database_migration_rollback.client import Adapter, Invoice
from support.capabilities.database_migration_rollback.probe import Probe
from support.promise import must
from support.worlds.watches import Watch

_EVERY_S = 0.05


class Readers:
    """One who reads through an app, and one who asks PostgreSQL itself; `slowest_s` is that of both."""

    def __init__(self, app: Adapter, probe: Probe, reference: str) -> None:
        self._app, self._reference = app, reference
        self.slowest_s = 0.0
        self._watches = [
            Watch(lambda: self._timed(lambda: probe.read(reference)), _EVERY_S, probe),
            Watch(lambda: self._timed(self._read), _EVERY_S),
        ]

    def expect_none_slower_than(self, limit_s: float) -> None:
        """Ends. AssertionError when somebody waited longer, or was not shown the invoice."""
        for watch in self._watches:
            watch.stop()
        must(self.slowest_s <= limit_s, f"a reader waited {self.slowest_s:.2f} s, and none may for {limit_s:g} s")
        for watch in self._watches:
            watch.end()

    def close(self) -> None:
        """Ends."""
        for watch in self._watches:
            watch.stop()

    def _read(self) -> None:
        shown = self._app.read(self._reference)
        must(isinstance(shown, Invoice), f"{self._app.name} did not show {self._reference}: {shown}")

    def _timed(self, read: object) -> None:
        began = time.monotonic()
        try:
            read()  # type: ignore[operator]
        finally:
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
