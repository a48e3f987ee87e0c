"""A new version is rolled out: each worker is asked to end, and comes back, one after the other."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_GRACE_S = 10.0
_HANDED_OVER_WITHIN_S = 5.0
_WORKERS = ("worker-1", "worker-2")


class Rollout:
    """The rollout, and one message that takes longer than any worker waits for its end."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._long: Message | None = None
        self._held: ArmedFault | None = None
        self._took_s: dict[str, float] = {}

    def publish_long(self) -> None:
        """A message that the provider holds until the rollout is over."""
        world = self._world
        self._long = world.new()
        self._held = world.provider.arm("hold_before", times=None, match={"key": self._long.id})
        world.accept(self._long)
        self._held.await_waiting(1)

    def roll_out(self, times: int) -> None:
        """Replaces both workers, one after the other, so many times."""
        for _ in range(times):
            for name in _WORKERS:
                self._replace(name)

    def _replace(self, name: str) -> None:
        """Asks the worker to end, sees that it does, and starts it again. What it had under way goes to the other."""
        world, held = self._world, self._fault()
        worker, has_it = world.fleet.named(name), held.waiting()[0].via == name
        world.faults.terminate(name)
        began = time.monotonic()
        ended = poll(lambda: worker.state().get("Status") == "exited", _GRACE_S)
        must(ended, f"{name} still runs {_GRACE_S:g} s after it was asked to end")
        self._took_s[name] = max(self._took_s.get(name, 0), time.monotonic() - began)
        if has_it:
            must(poll(held.waiting, _HANDED_OVER_WITHIN_S), "nobody goes on with what took longer than the rollout")
        world.faults.mend(name)

    def expect_ended(self, within_s: float) -> None:
        """Each worker ended within so many seconds from when it was asked to."""
        slow = {name: took_s for name, took_s in self._took_s.items() if took_s > within_s}
        assert_that(slow, empty(), f"workers that took longer than {within_s:g} s to end (seconds)")

    def expect_not_interrupted(self) -> None:
        """No message but the long one was broken off."""
        world, long = self._world, self._long
        broken_off = world.load.interrupted() - {long.id if long else ""}
        assert_that(broken_off, empty(), "messages that were broken off")
        world.dead_letters.expect_none()

    def let_go(self) -> None:
        """The provider answers the long one, if there is one, too."""
        if self._held:
            self._held.heal()

    def _fault(self) -> ArmedFault:
        if not self._held:
            raise ProbeError("no message was published that takes longer than a rollout")
        return self._held
