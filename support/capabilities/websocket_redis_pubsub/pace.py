"""Publishing no faster than the suite itself can read."""

import itertools
from collections.abc import Iterable

from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber
from support.polling import poll

_WAITS_FOR_S = 3.0


class ReadersPace:
    """Keeps whoever publishes close to those who read: that the suite reads slowly is not the target's doing.

    A reader who is behind would answer no ping in time, and would make the target look slow. Any number of threads may
    keep one pace.
    """

    def __init__(self, readers: Iterable[Subscriber], ahead: int) -> None:
        """`ahead`: by how many updates a flow may be in front of each of `readers`."""
        self._before = [(reader, len(reader.connection.arrivals)) for reader in readers]
        self._ahead = ahead
        self._published = itertools.count()
        self._kept = True

    def keep(self) -> None:
        """Waits for the readers before the next update; where a gateway holds them up (for 3 s), never again."""
        wanted = next(self._published) - self._ahead
        self._kept = self._kept and poll(lambda: self._all_have(wanted), _WAITS_FOR_S, every_s=0.01)

    def _all_have(self, wanted: int) -> bool:
        return all(len(reader.connection.arrivals) - before >= wanted for reader, before in self._before)
