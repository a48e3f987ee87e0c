"""Messages that workers are at work on, at a moment that a scenario is about."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.message_queue_redis_streams.pulse import Pulse
from support.clients.provider_control import ArmedFault, Arrival
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_MOST = 40  # messages, by which each worker should have got its share
_SHARE = {"worker-1": 6, "worker-2": 1}  # of 8 messages that each may work on at once
_MOMENT_S = 0.5  # a worker that is not heard for so long is still heard before 1 s is over
_BEGUN_WITHIN_S = 5.0
_ENDS_WITHIN_S = 5.0
_GIVEN_BACK_S = 0.3  # until the other has begun what it was given
FIRST, SECOND = "worker-1", "worker-2"


class UnderWay:
    """Messages that the provider holds, by the worker that is at work on each."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._held: dict[str, ArmedFault] = {}  # by the message's id
        self._of: dict[str, list[Message]] = {FIRST: [], SECOND: []}
        self._since = 0.0

    def begin(self) -> None:
        """The provider holds messages of both workers, the second of the first one done; behind each waits another.

        What a worker gets beyond its share is answered. Raises ProbeError when one does not get its share.
        """
        self._pulse = Pulse(self._world, FIRST, SECOND)
        for _ in range(_MOST):
            if all(len(self._of[name]) == share for name, share in _SHARE.items()):
                break
            try:
                self._begin_one("hold_after" if len(self._of[FIRST]) == 1 else "hold_before")
            except FaultError:  # workers that are at work on all of them, and take nothing more
                self._expect_none_again()
                raise
        else:
            self._expect_none_again()
            raise ProbeError(f"of {_MOST} messages nearly all went to the same worker")
        for_each(self._of[FIRST] + self._of[SECOND], lambda message: self._world.publish_line(message.key, 1))
        self._since, self._deliveries = time.monotonic(), self._world.deliveries()

    def _expect_none_again(self) -> None:
        held = self._of[FIRST] + self._of[SECOND]
        again = [one.id for one in held if len(self._world.arrivals(one)) > 1]
        with self._pulse.excusing(FIRST, SECOND):
            assert_that(again, empty(), "messages that were begun again while a worker was at work on them")

    def _begin_one(self, hold: str) -> None:
        world, message = self._world, self._world.new()
        held = world.provider.arm(hold, times=None, match={"key": message.id})
        world.accept(message)
        worker = held.await_waiting(1, _BEGUN_WITHIN_S)[0].via
        if len(self._of[worker]) == _SHARE[worker]:
            held.heal()
            return
        self._of[worker].append(message)
        self._held[message.id] = held

    def pile_up(self, customers: int, each: int, takes_s: float) -> None:
        """So many other customers' messages wait as well; the provider takes `takes_s` for each of them."""
        world = self._world
        world.provider.arm("slow", times=None, match={"path": f"/effects/{world.batch}-*"}, ms=round(takes_s * 1000))
        world.publish_lines(customers, each)

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
        with self._pulse.excusing(SECOND):
            assert_that(counts, equal_to(dict.fromkeys(counts, 1)), "how often each was begun")

    def hand_over(self) -> None:
        """What the first worker, which is frozen, had is taken over by the second one.

        Of its own calls one is cut, one is answered, one is refused for good, and the others are held on.
        """
        world, (cut, answered, refused, *_) = self._world, self._of[FIRST]
        self.expect_taken_over(_BEGUN_WITHIN_S)
        world.provider.answer({"key": refused.id}, status=422)
        self._held[cut.id].cut(self._first(cut).seq)
        for message in (answered, refused):
            self._held[message.id].release(self._first(message).seq)
        if not poll(lambda: not any(self._first(one).open for one in (cut, answered, refused)), _BEGUN_WITHIN_S):
            raise ProbeError("the provider has not answered the calls of the frozen worker")
        world.provider.answer_as_ever()
        self._deliveries = world.deliveries()

    def expect_all_kept(self, for_s: float) -> None:
        """For `for_s` from now no message arrives at the provider again: each worker keeps what it has.

        Raises ProbeError where one does, and Redis was away for so long that a worker may rightly have lost it.
        """
        late = time.monotonic() - self._since > _MOMENT_S
        wait_until(time.monotonic() + for_s)
        again = self._world.deliveries() - self._deliveries
        if again and late:
            raise ProbeError(f"Redis was away for more than {_MOMENT_S:g} s, and messages were begun again: {again}")
        with self._pulse.excusing(FIRST, SECOND):
            assert_that(again, empty(), "messages that were begun once more")

    def expect_nothing_more(self, for_s: float) -> None:
        """For `for_s` from now no message arrives at the provider again, and none is a dead letter.

        The second worker is still at work on them all.
        """
        world = self._world
        wait_until(time.monotonic() + for_s)
        # What the first one gives back when it ends, it has given back then.
        poll(world.fleet.named(FIRST).has_ended, _ENDS_WITHIN_S)
        wait_until(time.monotonic() + _GIVEN_BACK_S)
        with self._pulse.excusing(SECOND):
            assert_that(world.deliveries() - self._deliveries, empty(), "messages that were begun once more")
            world.dead_letters.expect_none()

    def _first(self, message: "Message") -> Arrival:
        """The call of the first worker for it."""
        return next(arrival for arrival in self._world.arrivals(message) if arrival.via == FIRST)
