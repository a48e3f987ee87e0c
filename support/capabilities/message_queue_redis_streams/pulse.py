"""Whether nodes were heard all the while: who is not for too long has rightly lost its messages to another."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.containers.platform import Node
from support.errors import ProbeError
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import World

_EVERY_S = 0.1
_SILENT_S = 0.5  # of the 1 s after which a worker has lost what it has; it says each quarter that it is at work


class Pulse:
    """Nodes that are asked all the while how they are, which they know when Redis answers, until the scenario ends.

    A busy machine makes them silent, or Redis, whose disk is slow: what is broken then is not the target's fault.
    """

    def __init__(self, world: "World", *names: str) -> None:
        self._heard = dict.fromkeys(names, time.monotonic())
        self._silent = dict.fromkeys(names, 0.0)
        for name in names:
            node = next(node for node in world.fleet.nodes if node.name == name)
            world.closing.callback(Watch(lambda node=node: self._look(node), _EVERY_S).stop)  # type: ignore[misc]

    @contextmanager
    def excusing(self, *names: str) -> Iterator[None]:
        """What does not hold in here is a ProbeError where one of these was silent for half a second before."""
        try:
            yield
        except AssertionError as error:
            now = time.monotonic()
            silent = {name: max(self._silent[name], now - self._heard[name]) for name in names}
            if max(silent.values()) < _SILENT_S:
                raise
            raise ProbeError(f"nothing was heard of {silent} (seconds), and then: {error}") from error

    def _look(self, node: Node) -> None:
        if node.answers(*node.address()):
            now = time.monotonic()
            self._silent[node.name] = max(self._silent[node.name], now - self._heard[node.name])
            self._heard[node.name] = now
