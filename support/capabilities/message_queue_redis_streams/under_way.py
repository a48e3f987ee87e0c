"""Messages that workers are at work on, at a moment that a scenario is about."""

import time
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.polling import poll
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_MOST = 7  # messages, after which the other worker should have got one of them
_BEGUN_WITHIN_S = 5.0
FIRST, SECOND = "worker-1", "worker-2"


class UnderWay:
    """Messages that the provider holds, by the worker that is at work on each."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._held: ArmedFault | None = None
        self._of: dict[str, list[Message]] = {FIRST: [], SECOND: []}
        self._since = 0.0

    def begin(self, done: bool) -> None:
        """Each worker has at least one message that the provider holds, before it is done or after.

        Raises ProbeError when one worker gets them all.
        """
        world = self._world
        self._held = world.provider.arm(
            "hold_after" if done else "hold_before", times=None, match={"path": f"/effects/{world.batch}-*"}
        )
        while not all(self._of.values()):
            if sum(map(len, self._of.values())) == _MOST:
                raise ProbeError(f"of {_MOST} messages all went to the same worker")
            message = world.accept(world.new())
            poll(partial(world.arrivals, message), _BEGUN_WITHIN_S)
            self._held.await_waiting(len(world.messages), _BEGUN_WITHIN_S)
            self._of[world.arrivals(message)[0].via].append(message)
        self._since = time.monotonic()

    def expect_taken_over(self, within_s: float) -> None:
        """Within `within_s` the second worker is at work on all that the first one had under way."""
        world, lost = self._world, self._of[FIRST]

        def left() -> list[str]:
            return [one.id for one in lost if SECOND not in [arrival.via for arrival in world.arrivals(one)]]

        poll(lambda: not left(), within_s)
        assert_that(left(), empty(), f"messages that nobody has taken over after {within_s:g} s")

    def expect_kept(self, for_s: float) -> None:
        """Once they have been under way for `for_s`, none of the second worker's own has been begun again."""
        wait_until(self._since + for_s)
        counts = {message.id: len(self._world.arrivals(message)) for message in self._of[SECOND]}
        assert_that(counts, equal_to(dict.fromkeys(counts, 1)), "how often each was begun")

    def hand_over(self) -> None:
        """What the first worker, which is frozen, had under way is taken over by the second one; its own calls fail."""
        world, lost = self._world, self._of[FIRST]
        self.expect_taken_over(_BEGUN_WITHIN_S)
        late = [arrival.seq for one in lost for arrival in world.arrivals(one) if arrival.via == FIRST]
        self._fault().cut(*late)
        self._deliveries = world.deliveries()

    def expect_nothing_more(self, for_s: float) -> None:
        """For `for_s` from now no message arrives at the provider again, and none is a dead letter.

        The second worker is still at work on them all.
        """
        world = self._world
        wait_until(time.monotonic() + for_s)
        assert_that(world.deliveries() - self._deliveries, empty(), "messages that were begun once more")
        world.dead_letters.expect_none()

    def _fault(self) -> ArmedFault:
        if not self._held:
            raise ProbeError("nothing is under way")
        return self._held
