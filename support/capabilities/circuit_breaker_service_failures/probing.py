"""A breaker that has waited for its time: which calls it lets through to see whether the service is well."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than, less_than

from support.capabilities.circuit_breaker_service_failures.client import Outcome, Reply
from support.errors import ProbeError
from support.polling import poll
from support.worlds.crowds import threads
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_LONGEST_WAIT_S = 2.5  # the first wait, and what it may be spread by
_EVERY_S = 0.02
_HELD_FOR_S = 0.7
_SLOW_S = 0.85  # a little less than what counts as slow


class Probing:
    """The calls that come when the wait of the first gateway's breaker is over."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._opened = 0.0
        self._before = 0
        self._held_then, self._held_for_s = 0, 0.0
        self._refused: list[Reply] = []
        self._rounds: list[float] = []

    def open(self) -> None:
        """Opens the breaker."""
        self._opened = self._world.open()

    def await_half_open(self) -> None:
        """Opens the breaker, and waits until its time is over."""
        self.open()
        self._before = self._world.arrived()
        wait_until(self._opened + _LONGEST_WAIT_S)

    def crowd(self, count: int) -> None:
        """`count` callers at once, while the service holds those that reach it; then these are answered.

        What the others heard while these were still held is kept.
        """
        world = self._world
        held = world.hold()
        with threads(count) as pool:
            asked = [pool.submit(world.nodes[0].call, world.service, "x") for _ in range(count)]
            poll(lambda: sum(reply.done() for reply in asked) + len(held.waiting()) >= count, _HELD_FOR_S)
            self._refused = [reply.result() for reply in asked if reply.done()]
            self._held_then = len(held.waiting())
            since = min((call.arrived for call in held.waiting()), default=0.0)
            world.recover()
            self._held_for_s = time.time() - since

    def expect_only(self, probes: int, others: int) -> None:
        """`probes` reached the service; the `others` were refused while these were held.

        Raises ProbeError when they were held for so long that they count as slow, for then they decide otherwise.
        """
        assert_that(self._held_then, equal_to(probes), "calls that the service held, by its own count")
        heard = [reply.outcome for reply in self._refused]
        assert_that(heard, equal_to([Outcome.NOT_ASKED] * others), "what the others heard meanwhile")
        assert_that(self._world.arrived() - self._before, equal_to(probes), "calls that reached the service in all")
        if self._held_for_s > _SLOW_S:
            raise ProbeError(f"the calls that decide were held for {self._held_for_s:.2f} s, and count as slow")

    def hang_up(self, count: int) -> None:
        """`count` callers whose calls the service holds hang up; then it is well."""
        world = self._world
        held = world.hold()
        callers = [world.nodes[0].begin(world.service, "x") for _ in range(count)]
        held.await_waiting(count)
        for caller in callers:
            caller.hang_up()
        if not poll(lambda: not held.waiting(), within_s=0.8):
            raise ProbeError("the callers hung up, and the gateway still asked for them")
        world.recover()

    def expect_closed(self, within_s: float) -> None:
        """Within `within_s` calls reach the service again, all of them."""
        poll(lambda: self._world.call(4)[-1].outcome is Outcome.ANSWERED, within_s)
        self._world.expect_let_through(20)

    def keep_calling(self, rounds: int, within_s: float) -> None:
        """The service fails on, and callers ask all the time, until `rounds` more rounds of calls have reached it."""
        world = self._world
        world.misbehave("fails")
        end, seen = time.monotonic() + within_s, world.arrived()
        self._rounds = [self._opened]
        while len(self._rounds) <= rounds and time.monotonic() < end:
            world.call(1)
            if world.arrived() > seen:
                seen = world.arrived()
                self._rounds.append(time.monotonic())
            time.sleep(_EVERY_S)

    def expect_longer_each_time(self, nominal_s: list[float], spread: float) -> None:
        """Each wait was as long as it has to be, and at most by `spread` longer."""
        gaps = [after - before for before, after in zip(self._rounds, self._rounds[1:], strict=False)]
        assert_that(len(gaps), equal_to(len(nominal_s)), "rounds of calls that reached the service")
        for gap, wanted in zip(gaps, nominal_s, strict=True):
            assert_that(gap, greater_than(wanted - 0.1), f"seconds between two rounds of {gaps}")
            assert_that(gap, less_than(wanted * (1 + spread) + 0.5), f"seconds between two rounds of {gaps}")

    def hold_calls(self, count: int) -> None:
        """`count` calls that reach the service, and wait for its answer."""
        world = self._world
        self._held = world.services.arm("hold_before", times=count, match={"path": f"/{world.service}/late"})
        self._waiting = [world.background.submit(world.nodes[0].call, world.service, "late") for _ in range(count)]
        self._held.await_waiting(count)

    def answer_late(self) -> None:
        """The breaker opens; then those that wait are answered well, and 20 more calls are made.

        Raises ProbeError when they waited for too long, for then the gateway did not wait for their answers.
        """
        self._world.open()
        self._held.release()
        if {waiting.result().outcome for waiting in self._waiting} != {Outcome.ANSWERED}:
            raise ProbeError("the calls that were to be answered late had been given up by then")
        self._world.call(20)
