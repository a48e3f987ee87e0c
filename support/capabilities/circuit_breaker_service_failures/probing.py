"""Calls that a service lets wait: those that decide over an open breaker, and those that came before it opened."""

import math
import time
from collections.abc import Callable
from itertools import count as numbers
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.capabilities.circuit_breaker_service_failures.calls import (
    LEAST_CALLS,
    MAY_BE_GIVEN_UP_S,
    MAY_BE_SLOW_S,
    MOST_TIMES,
    Opening,
)
from support.capabilities.circuit_breaker_service_failures.client import Outcome, Reply
from support.capabilities.circuit_breaker_service_failures.leaving import Leavers
from support.capabilities.circuit_breaker_service_failures.model import WAIT_S
from support.clients.provider_control import ArmedFault, Arrival
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_LONGEST_WAIT_S = 2.5  # the first wait, and what it may be longer by
_HELD_FOR_S = 1.1  # at most, as after 1.2 s they are given up
_CROWD, _TIMES = 100, 4  # a crowd that is to be refused meanwhile has so many times as long as one takes
_NOT_HALF = 4  # so many failures open no breaker, as ten calls have to be made
_MAY_BE_MISSING = 5  # of 15, so that those that are there would open one
_ARRIVE_WITHIN_S, _ANSWERED_WITHIN_S = 0.5, 0.65


class Probing:
    """The calls that the service has held, and what others heard meanwhile."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._before = 0
        self._takes_s = 0.0  # for each of a crowd that is refused, while nobody decides
        self._held_then, self._held_for_s, self._decide_since = 0, 0.0, math.inf
        self._heard: list[Reply] = []
        self._left_s = 0.0  # for the crowd, until those that decide are answered
        self._decided_for_s = 0.0  # until all that decide had been answered
        self._late: ArmedFault | None = None
        self._leavers: list[Leavers] = []
        self._numbers = numbers(1)

    def _see(self, act: Callable[[], bool], prepare: Callable[[], object] = lambda: None) -> None:
        """Does `act`, which says whether all came in its time; if not, anew, with another service, and so on.

        That is `prepare`d first. What the last time brings is judged, or raised, whatever it is.
        """
        for number in range(1, MOST_TIMES + 1):
            try:
                if number > 1:
                    self._begin_anew()
                    prepare()
                if act():
                    return
            except ProbeError:
                if number == MOST_TIMES:
                    raise

    def _begin_anew(self) -> None:
        self._decide_since = math.inf
        self._leavers.clear()
        self._world.begin_anew()

    def await_half_open(self) -> None:
        """Opens the breaker, and waits until its time is over; meanwhile it is seen how fast a crowd is refused."""
        self._see(self._time_refusals)

    def _time_refusals(self) -> bool:
        """Raises ProbeError when that took so long that some of the crowd may have been let through."""
        opened, began = self._world.open(), time.time()
        with threads(_CROWD) as pool:
            list(pool.map(self._call, range(_CROWD)))
        if time.time() > opened.earliest + WAIT_S:
            raise ProbeError(f"{_CROWD} calls at once took longer than the breaker is open for certain")
        self._takes_s = (time.time() - began) / _CROWD
        self._await_end(opened)
        return True

    def _half_open(self) -> None:
        """The same of another breaker; how fast a crowd is refused is known."""
        self._await_end(self._world.open())

    def _await_end(self, opened: Opening) -> None:
        self._world.let_pass(opened.latest + _LONGEST_WAIT_S - time.time())

    def crowd(self, count: int) -> None:
        """`count` callers at once, as `_crowd` says."""
        self._see(lambda: self._crowd(count), prepare=self._half_open)

    def _crowd(self, count: int) -> bool:
        """`count` callers at once, while the service holds those that reach it; then these are answered.

        What the others heard while these were still held is kept. They are held until all others have heard something,
        but for no longer than anybody waits for them. Returns whether all had by then, and none need count as slow.
        """
        world = self._world
        held, self._before = world.hold(), len(world.arrivals())
        self._decide_since = min(self._decide_since, time.time())
        self._left_s = self._decide_since + _HELD_FOR_S - time.time()
        with threads(count) as pool:
            asked = [pool.submit(self._call, number) for number in range(count)]
            poll(lambda: sum(reply.done() for reply in asked) + len(_of_the_crowd(held)) >= count, self._left_s)
            self._heard = [reply.result() for reply in asked if reply.done()]
            self._held_then = len(_of_the_crowd(held))
            world.recover()
            self._held_for_s = time.time() - self._decide_since
        self._decided_for_s = time.time() - self._decide_since
        return len(self._heard) + self._held_then >= count and self._decided_for_s <= MAY_BE_SLOW_S

    def _call(self, number: int) -> Reply:
        return self._world.nodes[0].call(self._world.service, f"crowd/{number}")

    def expect_only(self, probes: int, others: int) -> None:
        """`probes` of the crowd reached the service; the `others` were refused while these were held, and told when.

        Raises ProbeError when so many cannot be expected to be refused in that time.
        """
        assert_that(self._held_then, less_than_or_equal_to(probes), "calls of the crowd that the service held")
        refused = [reply for reply in self._heard if reply.outcome is Outcome.NOT_ASKED]
        given_up = self._held_for_s > MAY_BE_GIVEN_UP_S
        must(given_up or refused == self._heard, f"who was to be refused heard something else: {self._heard}")
        self._world.expect_told_when(refused)
        seen, wanted = (self._held_then, len(refused)), (probes, others)
        takes_s = self._takes_s * (probes + others)
        if seen != wanted and (given_up or _TIMES * takes_s > self._left_s):
            raise ProbeError(f"so many calls take {takes_s:.2f} s: too long to be refused while those that decide wait")
        assert_that(seen, equal_to(wanted), "calls of the crowd that the service held, and that were refused meanwhile")
        arrived = len(self._world.arrivals()) - self._before
        assert_that(arrived, equal_to(probes), "calls that reached the service in all")

    def hang_up(self, at_once: int, later: int, after_s: float) -> None:
        """So many callers of those that the service holds hang up `at_once`, and `later` ones after `after_s`."""
        self._see(lambda: self._hang_up(at_once, later, after_s))

    def _hang_up(self, at_once: int, later: int, after_s: float) -> bool:
        """Whether all had reached the service, and hung up before anybody gave them up; or some were not heeded."""
        self._world.hold()
        self._leave(at_once).hang_up()
        self._leave(later).hang_up(after_s)
        self._world.recover()
        return any(one.ignored() for one in self._leavers) or not any(
            one.missing() or one.given_up() for one in self._leavers
        )

    def expect_all_reach(self, count: int) -> None:
        """`count` calls at once all reach the service: its breaker is closed.

        Raises ProbeError when it is not and need not be; and when too few of those who hung up had reached the service
        by then to open it.
        """
        try:
            self._world.expect_let_through(count)
        except AssertionError as error:
            if why := self._may_be_open():
                raise ProbeError(why) from error
            raise
        missing = max((leavers.missing() for leavers in self._leavers), default=0)
        if missing > _MAY_BE_MISSING:
            raise ProbeError(f"{missing} of those who were to hang up had not reached the service by then")

    def _may_be_open(self) -> str:
        """Why a breaker that was to be closed may be open without fault of the gateway's; nothing if it must not be."""
        if sum(leavers.ignored() for leavers in self._leavers) >= LEAST_CALLS:
            return ""  # these alone would open it
        if (given_up := sum(leavers.given_up() for leavers in self._leavers)) > _NOT_HALF:
            return f"{given_up} of those who were to hang up may have been given up before that"
        if self._decided_for_s > MAY_BE_SLOW_S:
            return f"the calls that decide took up to {self._decided_for_s:.2f} s, and may count as slow"
        return ""

    def hang_up_and_crowd(self, others: int) -> None:
        """Of those that decide one hears that there is no such thing, one hangs up, one waits; `others` come."""
        self._see(lambda: self._hang_up_and_crowd(others), prepare=self._half_open)

    def _hang_up_and_crowd(self, others: int) -> bool:
        self._world.answer_by("that there is no such thing")
        held = self._world.hold()
        self._decide_since = time.time()
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
            in_time = self._crowd(others)
        self._decided_for_s = time.time() - self._decide_since
        return in_time

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
        """The breaker opens; then the `count` that wait are answered well."""
        self._see(lambda: self._answer_late(count), prepare=lambda: self.hold_calls(count))

    def _answer_late(self, count: int) -> bool:
        """Raises ProbeError when they waited for too long, for then the gateway did not wait for their answers."""
        world = self._world
        world.open()
        if self._late:
            self._late.release()
        if not poll(lambda: [call.status for call in self._late_arrivals()] == [200] * count, _ANSWERED_WITHIN_S):
            raise ProbeError("the calls that were to be answered late had been given up by then")
        return True

    def _late_arrivals(self) -> list[Arrival]:
        return self._world.services.arrivals(path=f"/{self._world.service}/late/*")


def _of_the_crowd(held: ArmedFault) -> list[Arrival]:
    return [call for call in held.waiting() if "crowd" in call.path.split("/")]
