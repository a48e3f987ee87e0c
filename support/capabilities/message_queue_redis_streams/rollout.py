"""A new version is rolled out: each worker is asked to end, and comes back, one after the other."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, has_length

from support.capabilities.message_queue_redis_streams.client import Answer, Kind
from support.capabilities.message_queue_redis_streams.dead_letters import DELIVERIES
from support.capabilities.message_queue_redis_streams.pulse import Pulse
from support.capabilities.message_queue_redis_streams.repetitions import HUNG_UP_WITHIN_S, unexplained
from support.clients.provider_control import ArmedFault, Arrival
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_GRACE_S = 10.0
_HANDED_OVER_WITHIN_S = 5.0
_WORKERS = ("worker-1", "worker-2")
_WITNESS = "producer-1"  # who tells whether Redis and this machine did their part: workers that end are silent


class Rollout:
    """The rollout, and one message that takes longer than any worker waits for its end."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._long: Message | None = None
        self._held: ArmedFault | None = None
        self._drains: dict[str, tuple[float, float]] = {}  # of each worker, from when to when (seconds since the epoch)

    def publish_long(self) -> None:
        """A message that the provider refuses once, then holds until the rollout is over, and then refuses for good."""
        world = self._world
        self._pulse = Pulse(world, _WITNESS)
        self._long = world.new()
        world.retries.refuse(self._long, 1)
        self._held = world.provider.arm("hold_before", times=None, match={"key": self._long.id})
        world.retries.refuse(self._long, None)
        must(world.publish(self._long) is Answer.ACCEPTED, f"message {self._long.id} was not accepted")

    def roll_out(self) -> None:
        """Replaces both workers, the one that has the long message first; the other when that one is back."""
        first = self._fault().await_waiting(1)[0].via
        (second,) = {*_WORKERS} - {first}
        self._end(first)
        self._world.faults.mend(first)
        self._end(second)
        self._world.faults.launch(second)

    def _end(self, name: str) -> None:
        """Asks the worker to end, and sees that it does; what it had under way goes to the other."""
        world, held = self._world, self._fault()
        worker, began = world.fleet.named(name), time.time()
        world.faults.terminate(name)
        ended = poll(worker.has_ended, _GRACE_S)
        must(ended, f"{name} still runs {_GRACE_S:g} s after it was asked to end")
        self._drains[name] = began, time.time()
        must(poll(held.waiting, _HANDED_OVER_WITHIN_S), "nobody goes on with what took longer than the rollout")

    def let_go(self) -> None:
        """The provider gives the long one up, if there is one, and refuses it from now on."""
        if self._held:
            self._held.cut()
            self._held.heal()

    def expect_ended(self, within_s: float) -> None:
        """Each worker ended within so many seconds from when it was asked to, and nobody took from it meanwhile."""
        took = {name: ended - began for name, (began, ended) in self._drains.items()}
        slow = {name: took_s for name, took_s in took.items() if took_s > within_s}
        assert_that(slow, empty(), f"workers that took longer than {within_s:g} s to end (seconds)")
        early = [later.via for earlier, later in self._doubled() if self._drained(earlier.via, later.arrived)]
        with self._pulse.excusing(_WITNESS):
            assert_that(early, empty(), "workers that began the long message while another one was finishing it")

    def expect_given_up(self) -> None:
        """The long one is a dead letter, whole, after as many failures as any other: its handing over was none.

        A worker that was not heard for too long, because the machine is busy, has failed, too.
        """
        world, long = self._world, self._message()
        letter = world.dead_letters.of(long, WELL_WITHIN_S)
        world.dead_letters.expect_whole(letter, long, Kind.GOOD)
        assert_that(letter.deliveries, equal_to(DELIVERIES), "deliveries, as told with the dead letter")
        lost = {earlier.seq for earlier, _ in self._doubled()}
        failed = [one for one in world.arrivals(long) if one.status or one.cut == "provider" or one.seq in lost]
        assert_that(failed, has_length(DELIVERIES), "failures of the long message")

    def expect_not_interrupted(self) -> None:
        """No message but the long one was broken off, none was begun by two, and none is a dead letter."""
        world = self._world
        with self._pulse.excusing(_WITNESS):
            assert_that(world.load.interrupted() - {self._message().id}, empty(), "messages that were broken off")
            assert_that(unexplained(world.all_arrivals()), empty(), "messages that were begun twice")
        world.dead_letters.expect_none()

    def _doubled(self) -> list[tuple[Arrival, Arrival]]:
        """Each delivery of the long one that had not ended when the next one arrived, with that."""
        arrivals = self._world.arrivals(self._message())
        return [
            (earlier, later)
            for earlier, later in pairwise(arrivals)
            if earlier.ended is None or earlier.ended > later.arrived + HUNG_UP_WITHIN_S
        ]

    def _drained(self, name: str, moment: float) -> bool:
        """Whether the worker was on its way to its end then."""
        began, ended = self._drains[name]
        return began < moment < ended

    def _message(self) -> "Message":
        if not self._long:
            raise ProbeError("no message was published that takes longer than a rollout")
        return self._long

    def _fault(self) -> ArmedFault:
        if not self._held:
            raise ProbeError("no message was published that takes longer than a rollout")
        return self._held
