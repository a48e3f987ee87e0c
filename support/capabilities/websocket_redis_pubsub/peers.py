"""Two subscribers in processes of their own, who say nothing: one will freeze, the other is only quiet."""

import time

from hamcrest import assert_that, equal_to

from support.capabilities.websocket_redis_pubsub.client import Update
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.peer import Errand, Peer
from support.capabilities.websocket_redis_pubsub.subscriber import serial_in
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.platforms.platform import door_to
from support.polling import poll
from support.promise import must

_STAYS_FOR_S = 3.0  # longer than a lease that is not renewed would last, or one renewed after its end take to be back


class QuietPeers:
    """Ada, at the first gateway, and bob, at the second. Ada also watches a channel of her own."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self.channel_of_ada = world.fresh("user")
        self._ada = self._start("ada", 0, self.channel_of_ada)
        self._bob = self._start("bob", 1)
        self._silent_since = time.monotonic()

    def expect_both_present(self) -> None:
        """Both are present. AssertionError with who is."""
        self._world.expect_present(self._world.channel, {"ada": 1, "bob": 1}, within_s=2)

    def freeze_ada(self) -> None:
        """Ada's process stands still; her connection stays open."""
        self._ada.freeze()

    def expect_only_bob_present(self, within_s: float) -> None:
        """Within `within_s` bob is present, alone, and stays so. AssertionError with who is."""
        poll(lambda: self._present() == {"bob": 1}, within_s, every_s=0.1)
        others = poll(lambda: [who for who in [self._present()] if who != {"bob": 1}], _STAYS_FOR_S, every_s=0.1)
        must(not others, f"expected bob alone within {within_s:g} s and from then on, saw {others}")

    def expect_bob_after(self, silence_s: float) -> None:
        """Bob stays present until he has said nothing for `silence_s`. AssertionError with who is there instead."""
        left_s = self._silent_since + silence_s - time.monotonic()
        poll(lambda: self._present() != {"bob": 1}, left_s, every_s=0.1)
        assert_that(self._present(), equal_to({"bob": 1}), f"present before bob had been silent for {silence_s:g} s")

    def expect_next_update_at_bob(self, within_s: float) -> None:
        """One more update reaches bob once. AssertionError if not."""
        serials = self._world.publish(1)
        poll(lambda: bool(self._received_by_bob()), within_s)
        assert_that(self._received_by_bob(), exactly_once_in_order(serials), "bob")

    def _received_by_bob(self) -> list[int]:
        return [serial_in(event.data) for event in self._bob.events if isinstance(event, Update)]

    def _present(self) -> dict[str, int]:
        return self._world.gateways[1].present(self._world.channel)

    def _start(self, name: str, gateway: int, *channels: str) -> Peer:
        world, watched = self._world, (self._world.channel, *channels)
        door = door_to(world.fleet.nodes[gateway], world.exchanges)
        stage = world.stage
        errand = Errand(stage.platform.folder, stage.capability, door, world.session(name, *watched), watched)
        return world.opened(Peer(errand))
