"""Calls that a service lets wait: those that decide over an open breaker, and those that came before it opened."""

import time
from itertools import count as numbers
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.circuit_breaker_service_failures.calls import Call
from support.capabilities.circuit_breaker_service_failures.client import Outcome, Reply
from support.capabilities.circuit_breaker_service_failures.leaving import Leavers
from support.clients.provider_control import ArmedFault, Arrival
from support.errors import ProbeError
from support.polling import poll
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_LONGEST_WAIT_S = 2.5  # the first wait, and what it may be longer by
_HELD_FOR_S = 0.65
_SLOW_S = 0.75  # a little less than what counts as slow
_NOT_HALF = 4  # so many failures open no breaker, as ten calls have to be made
_ARRIVE_WITHIN_S = 0.5
_IN_TIME_S = 0.6  # a call that is not held up takes less, also on a busy machine


class Probing:
    """The calls that the service has held, and what others heard meanwhile."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._before = 0
        self._held_then, self._held_for_s = 0, 0.0
        self._refused: list[Reply] = []
        self._late: ArmedFault | None = None
        self._others: list[Call] = []
        self._leavers: list[Leavers] = []
        self._numbers = numbers(1)

    def await_half_open(self) -> None:
        """Opens the breaker, and waits until its time is over."""
        opened = self._world.open()
        self._world.let_pass(opened.latest + _LONGEST_WAIT_S - time.time())

    def crowd(self, count: int) -> None:
        """`count` callers at once, while the service holds those that reach it; then these are answered.

        What the others heard while these were still held is kept.
        """
        world = self._world
        held, self._before = world.hold(), len(world.arrivals())
        with threads(count) as pool:
            asked = [pool.submit(world.nodes[0].call, world.service, f"crowd/{number}") for number in range(count)]
            poll(lambda: sum(reply.done() for reply in asked) + len(_of_the_crowd(held)) >= count, _HELD_FOR_S)
            self._refused = [reply.result() for reply in asked if reply.done()]
            self._held_then = len(_of_the_crowd(held))
            since = min((call.arrived for call in held.waiting()), default=0.0)
            world.recover()
            self._held_for_s = time.time() - since

    def expect_only(self, probes: int, others: int) -> None:
        """`probes` of the crowd reached the service; the `others` were refused while these were held, and told when.

        Raises ProbeError when they were held for so long that they count as slow, for then they decide otherwise.
        """
        assert_that(self._held_then, equal_to(probes), "calls of the crowd that the service held, by its own count")
        heard = [reply.outcome for reply in self._refused]
        assert_that(heard, equal_to([Outcome.NOT_ASKED] * others), "what the others heard meanwhile")
        self._world.expect_told_when(self._refused)
        arrived = len(self._world.arrivals()) - self._before
        assert_that(arrived, equal_to(probes), "calls that reached the service in all")
        if self._held_for_s > _SLOW_S:
            raise ProbeError(f"the calls that decide were held for {self._held_for_s:.2f} s, and count as slow")

    def hang_up(self, at_once: int, later: int, after_s: float) -> None:
        """So many callers of those that the service holds hang up `at_once`, and `later` ones after `after_s`."""
        self._world.hold()
        self._leave(at_once).hang_up()
        self._leave(later).hang_up(after_s)
        self._world.recover()

    def expect_all_reach(self, count: int) -> None:
        """`count` calls all reach the service.

        Raises ProbeError when too many were given up before they hung up, or had not reached the service by then.
        """
        if (given_up := sum(leavers.given_up() for leavers in self._leavers)) > _NOT_HALF:
            raise ProbeError(f"{given_up} of those who were to hang up had been given up before that")
        self._world.expect_let_through(count)
        if missing := sum(leavers.missing() for leavers in self._leavers):
            raise ProbeError(f"{missing} of those who were to hang up had not reached the service by then")

    def hang_up_and_crowd(self, others: int) -> None:
        """Of those that decide one hears that there is no such thing, one hangs up, one waits; `others` come."""
        self._world.answer_by("that there is no such thing")
        held = self._world.hold()
        with threads(2) as pool:
            answered = pool.submit(self._world.ask, "decides")
            (first,) = held.await_waiting(1)
            pool.submit(self._world.ask, "waits")
            held.await_waiting(2)
            leaver = self._leave(1)
            held.release(first.seq)
            answered.result()
            leaver.hang_up()
            leaver.see_left()
            self.crowd(others)

    def _leave(self, count: int) -> Leavers:
        """`count` callers of the first gateway who are going to hang up."""
        labels = [f"held/{next(self._numbers)}" for _ in range(count)]
        self._leavers.append(
            leavers := Leavers(self._world.services, self._world.nodes[0], self._world.service, labels)
        )
        return leavers

    # Calls from before

    def hold_calls(self, count: int) -> None:
        """`count` calls that the service lets wait, as far as they reach it."""
        world = self._world
        self._late = world.services.arm("hold_before", times=None, match={"path": f"/{world.service}/late/*"})
        for number in range(count):
            caller = world.nodes[0].begin(world.service, f"late/{number}")
            world.closing.callback(caller.hang_up)
        poll(lambda: len(self._late_arrivals()) >= count, _ARRIVE_WITHIN_S)

    def answer_late(self, count: int) -> None:
        """The breaker opens; then the `count` that wait are answered well.

        Raises ProbeError when they waited for too long, for then the gateway did not wait for their answers.
        """
        world = self._world
        world.open()
        if self._late:
            self._late.release()
        if not poll(lambda: [call.status for call in self._late_arrivals()] == [200] * count, _HELD_FOR_S):
            raise ProbeError("the calls that were to be answered late had been given up by then")

    def call_another(self, count: int) -> None:
        """`count` calls of another service meanwhile."""
        self._others = self._world.call_other(count)

    def expect_not_held_up(self) -> None:
        """Those who called another service were answered while this one still let its callers wait.

        Raises ProbeError when all came too late for that.
        """
        freed = min((call.ended for call in self._late_arrivals() if call.ended), default=time.time())
        in_time = [call for call in self._others if call.sent < freed - _IN_TIME_S or call.heard < freed]
        late = [call for call in in_time if call.heard >= freed or call.reply.outcome is not Outcome.ANSWERED]
        assert_that(late, empty(), "calls of another service that waited for those of this one, or were not answered")
        if not in_time:
            raise ProbeError("the calls of another service were made when nobody waited for the first any more")

    def _late_arrivals(self) -> list[Arrival]:
        return self._world.services.arrivals(path=f"/{self._world.service}/late/*")


def _of_the_crowd(held: ArmedFault) -> list[Arrival]:
    return [call for call in held.waiting() if "crowd" in call.path.split("/")]
