"""Subscribers who say nothing: one will freeze, one is only quiet, and the gateway of a third will be out of reach."""

import threading
import time

from hamcrest import assert_that, equal_to

from support.capabilities.websocket_redis_pubsub.client import Update
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.peer import Errand, Peer
from support.capabilities.websocket_redis_pubsub.subscriber import serial_in
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.errors import ProbeError
from support.platforms.platform import door_to
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

_COMES_EVERY_S = 0.4
_STAYS_FOR_S = 3.0  # longer than a lease that is not renewed would last, or one renewed after its end take to be back


class QuietPeers:
    """Ada and bob, at the second gateway, each in a process, and cleo at the first. Ada has a channel of her own, too.

    All the while somebody comes and goes at the second gateway, in another channel.
    """

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self.channel_of_ada = world.fresh("user")
        self._cleo = world.newcomer("cleo", world.channel)
        world.enter(self._cleo, world.gateways[0], world.channel)
        self._ada = self._start("ada", 1, self.channel_of_ada)
        self._bob = self._start("bob", 1)
        self._silent_since = time.monotonic()
        self._comings = world.opened(Comings(world))

    def expect_all_present(self) -> None:
        """All three are present. AssertionError with who is."""
        self._world.expect_present(self._world.channel, {"ada": 1, "bob": 1, "cleo": 1}, within_s=2)

    def freeze_ada(self) -> None:
        """Ada's process stands still; her connection stays open."""
        self._gone_since = time.monotonic()
        self._ada.freeze()

    def expect_only_bob_present(self, within_s: float) -> None:
        """Within `within_s` bob is present, alone, and stays so. AssertionError with who is."""
        poll(lambda: self._present() == {"bob": 1}, within_s, every_s=0.1)
        others = poll(lambda: [who for who in [self._present()] if who != {"bob": 1}], _STAYS_FOR_S, every_s=0.1)
        must(not others, f"expected bob alone within {within_s:g} s and from then on, saw {others}")

    def expect_bob_after(self, silence_s: float) -> None:
        """Bob stays present until he has said nothing for `silence_s`. AssertionError with who is there instead.

        ProbeError unless others came and went meanwhile.
        """
        left_s = self._silent_since + silence_s - time.monotonic()
        poll(lambda: self._present() != {"bob": 1}, left_s, every_s=0.1)
        assert_that(self._present(), equal_to({"bob": 1}), f"present before bob had been silent for {silence_s:g} s")

        self._comings.expect_seen()

    def reach_again(self, after_s: float) -> None:
        """The first gateway reaches Redis again when it has been cut off for `after_s`."""
        wait_until(self._gone_since + after_s)
        self._world.faults.join("redis", "gateway-1")

    def expect_next_update(self, within_s: float) -> None:
        """Within `within_s` bob and cleo are present and get one more update, once. AssertionError if not."""
        world = self._world
        world.expect_present(world.channel, {"bob": 1, "cleo": 1}, within_s)
        serials = world.publish(1)
        poll(lambda: bool(self._received_by_bob()), within_s)
        assert_that(self._received_by_bob(), exactly_once_in_order(serials), "bob")
        world.expect([self._cleo], serials, within_s)

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


class Comings:
    """Somebody who watches another channel at the second gateway, now and then, in a thread until it is closed."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        (self._guest,) = world.join(1, world.gateways[1], world.aside)
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._times = 0
        self._thread = threading.Thread(target=self._run, name="comings", daemon=True)
        self._thread.start()

    def expect_seen(self) -> None:
        """Somebody came and went. Raises AssertionError when that was refused, and what else went wrong there."""
        if self._failure:
            raise self._failure
        if not self._times:
            raise ProbeError("nobody came and went meanwhile")

    def close(self) -> None:
        """Ends it."""
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        try:
            while not self._over.wait(_COMES_EVERY_S):
                self._guest.unwatch(self._world.aside)
                self._guest.watch(self._world.aside)
                self._times += 1
        except Exception as error:  # noqa: BLE001 - it is told by whoever looks
            self._failure = error
