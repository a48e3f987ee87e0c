"""Jobs that are to be done at a time: later, every second, or by the clock of a place."""

import datetime
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_EARLY_S = 0.01
_HOUR = datetime.timedelta(hours=1)
_TICK_S = 1.0
_LATE_S = 0.7  # that a job of every second may be late, without being as late as the next


class Schedules:
    """When jobs are to be begun, and when they were."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._asked = self._told = 0.0

    def hand_in(self, count: int, delay_s: float) -> None:
        """So many jobs that are to be done in `delay_s`."""
        self._asked = time.time()
        for label in self._world.many(count, "later"):
            self._world.hand_in(Job(label, delay_s=delay_s))
        self._told = time.time()

    def hand_in_by_clock(self, delay_s: float, zone: str) -> None:
        """A job that is to be done in `delay_s`, and one for that moment as the clock of `zone` (IANA) shows it."""
        self.hand_in(1, delay_s)
        at = datetime.datetime.fromtimestamp(time.time() + delay_s, ZoneInfo(zone))
        self._world.hand_in(Job(self._world.label("clock"), at=at))
        self._told = time.time()

    def expect_begun_after(self, delay_s: float, late_s: float) -> None:
        """Each job was begun then: not before `delay_s`, and at most `late_s` after that."""
        for label in self._world.labels:
            poll(lambda label=label: self._world.arrivals(label), self._told + delay_s + late_s - time.time())  # type: ignore[misc]
            begun = [call.arrived for call in self._world.arrivals(label)]
            must(begun, f"{label} was not begun in {delay_s + late_s:g} s")
            after, late = begun[0] - self._asked, begun[0] - self._told
            assert_that(after, greater_than_or_equal_to(delay_s - _EARLY_S), f"seconds until {label} was begun")
            assert_that(late, less_than_or_equal_to(delay_s + late_s), f"seconds until {label} was begun")

    def every_second(self) -> None:
        """A job is to be done every second; it has been, once. It is stopped with the scenario, if it can be."""
        self._tick, server = self._world.fresh("tick"), self._world.servers[0]
        server.every(_TICK_S, self._tick)
        self._world.closing.callback(server.stop, self._tick)
        must(poll(self._ticks, 4.0), "a job of every second was not begun in 4 s")

    def _ticks(self) -> list[float]:
        return [call.arrived for call in self._world.arrivals(self._tick)]

    def expect_to_go_on(self, within_s: float) -> None:
        """A job that is to be done every second from now on is begun within `within_s`. Stopped then, it ends."""
        self._tick, server = self._world.fresh("tick"), self._world.servers[0]
        server.every(_TICK_S, self._tick)
        begun = poll(self._ticks, within_s, 0.02)
        server.stop(self._tick)
        stopped = time.time()
        must(begun, f"a job of every second was not begun in {within_s:g} s")
        self.let_pass(_TICK_S + _LATE_S)
        after = [moment - stopped for moment in self._ticks()[1:]]
        if after and stopped > begun[0] + _LATE_S:
            raise ProbeError("the machine was too slow to stop a schedule before its next time")
        assert_that(after, equal_to([]), "seconds from when it was stopped to when it was begun again")

    def expect_made_up_once(self, within_s: float) -> None:
        """After an outage it is begun within `within_s`; of all that was left out one is made up for."""
        before = len(self._ticks_before)
        must(
            poll(lambda: len(self._ticks()) > before, within_s), f"after the outage it was not begun in {within_s:g} s"
        )
        self.let_pass(_TICK_S)
        poll(lambda: len(self._ticks()) > before + 1, _LATE_S)
        first, *others = self._ticks()[before:]
        at_once = [moment - first for moment in others if moment < first + _TICK_S - 0.1]
        assert_that(len(at_once), less_than_or_equal_to(1), "how often more it was begun in that second")
        must(others, "a job of every second was begun once after the outage, and not again")

    def see_outage(self, seconds: float) -> None:
        """So long nothing can be begun, which is seen to."""
        self._ticks_before = self._ticks()
        self.let_pass(seconds)
        if len(self._ticks()) > len(self._ticks_before) + 1:
            raise ProbeError("a job of every second was begun while the servers had no queue")
        self._ticks_before = self._ticks()

    def let_pass(self, seconds: float) -> None:
        """Waits."""
        wait_until(time.monotonic() + seconds)

    def expect_each_second(self, further_s: float) -> None:
        """Until `further_s` later it was begun once each second: each in its own, none left out, none twice."""
        self.let_pass(further_s)
        begun = self._ticks()
        offsets = [moment - begun[0] for moment in begun]
        for number, offset in enumerate(offsets):
            assert_that(offset, less_than_or_equal_to(number * _TICK_S + _LATE_S), f"seconds until run {number}")
            assert_that(offset, greater_than_or_equal_to(number * _TICK_S - _LATE_S), f"seconds until run {number}")
        expected = (time.time() - begun[0]) / _TICK_S
        assert_that(len(begun), greater_than_or_equal_to(int(expected - _LATE_S) + 1), "runs in all")

    def schedule_daily(self, at: str, zone: str) -> None:
        """A job at a time of day on the clock of a place."""
        self._at, self._zone = datetime.time.fromisoformat(at), ZoneInfo(zone)

    def expect_each_day(self, count: int, change: str) -> None:
        """On `count` days around the day `change` it is due once each, at that time on all but that day."""
        middle = datetime.date.fromisoformat(change)
        days = [middle + datetime.timedelta(days=number - count // 2) for number in range(count)]
        # Told in UTC: late in the evening of New York, that is another day.
        just_before = datetime.datetime.combine(days[0], self._at, self._zone).astimezone(datetime.UTC) - _HOUR
        cron = f"{self._at.minute} {self._at.hour} * * *"
        for server in self._world.servers:
            runs = server.next_runs(cron, self._zone.key, just_before, count)
            due = [moment.astimezone(self._zone) for moment in runs]
            assert_that([moment.date() for moment in due], equal_to(days), "the days on which it is due")
            times = {moment.time() for moment in due if moment.date() != middle}
            assert_that(times, equal_to({self._at}), "the times of day at which it is due")
