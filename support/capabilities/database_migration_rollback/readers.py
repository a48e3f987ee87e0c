"""Those who read invoices all the while: how long the longest of them waited."""

import time
from collections.abc import Callable

from support.capabilities.database_migration_rollback.client import Adapter, Invoice
from support.capabilities.database_migration_rollback.probe import Probe
from support.errors import ProbeError
from support.promise import must
from support.worlds.watches import Watch

_EVERY_S = 0.05
_BESIDE = "SELECT FROM pg_am"  # no migration holds that


class Readers:
    """One who reads through an app, and one who asks PostgreSQL itself, by `probe`.

    Beside them somebody reads by `beside` what no migration holds: whoever waits there waits for the machine.
    """

    def __init__(self, app: Adapter, probe: Probe, beside: Probe, reference: str) -> None:
        self._app, self._reference = app, reference
        self._waits_s, self._beside_s = [0.0], [0.0]
        self._watches = [
            Watch(lambda: _timed(lambda: probe.read(reference), self._waits_s), _EVERY_S, probe),
            Watch(lambda: _timed(self._read, self._waits_s), _EVERY_S),
            Watch(lambda: _timed(lambda: beside.rows(_BESIDE), self._beside_s), _EVERY_S, beside),
        ]

    def expect_none_slower_than(self, limit_s: float) -> None:
        """Ends. AssertionError when somebody waited longer, or was not shown the invoice.

        Raises ProbeError when they did not wait longer than that for more than the machine.
        """
        self.close()
        slowest_s, machine_s = max(self._waits_s), max(self._beside_s)
        if slowest_s - machine_s <= limit_s < slowest_s:
            raise ProbeError(f"a reader waited {slowest_s:.2f} s, of which {machine_s:.2f} s may be the machine's")
        must(slowest_s <= limit_s, f"a reader waited {slowest_s:.2f} s, and none may for {limit_s:g} s")
        for watch in self._watches:
            watch.end()

    def close(self) -> None:
        """Ends."""
        for watch in self._watches:
            watch.stop()

    def _read(self) -> None:
        shown = self._app.read(self._reference)
        must(isinstance(shown, Invoice), f"{self._app.name} did not show {self._reference}: {shown}")


def _timed(read: Callable[[], object], waits_s: list[float]) -> None:
    began = time.monotonic()
    try:
        read()
    finally:
        waits_s.append(time.monotonic() - began)
