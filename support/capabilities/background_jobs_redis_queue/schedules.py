"""Jobs that are to be done at a time: later, every second, or by the clock of a place."""

import datetime
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hamcrest import assert_that, equal_to, greater_than_or_equal_to, less_than_or_equal_to

from support.capabilities.background_jobs_redis_queue.client import Job
from support.capabilities.background_jobs_redis_queue.times import EARLY_S, LATE_S
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_HOUR = datetime.timedelta(hours=1)
_SERVICE_MS = 300  # for jobs for later: so that one that is begun again and again is so before it is done
_JUST_S = 0.3


class Schedules:
    """When jobs are to be begun, and when they were."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._asked = self._told = 0.0
        self._later: list[str] = []

    def hand_in(self, count: int, delay_s: float) -> None:
        """So many jobs that are to be done in `delay_s`."""
        self._asked = time.time()
        self._later = self._world.many(count, "later")
        for label in self._later:
            self._world.hand_in(Job(label, delay_s=delay_s))
        self._told = time.time()

    def hand_in_by_clock(self, delay_s: float, zone: str) -> None:
        """A job that is to be done in `delay_s`, and one for that moment as the clock of `zone` (IANA) shows it."""
        slow = {"path": f"/{self._world.name}-later-*"}
        self._world.service.arm("slow", times=None, match=slow, ms=_SERVICE_MS)
        self.hand_in(1, delay_s)
        self._later.append(self._world.label("later"))
        at = datetime.datetime.fromtimestamp(time.time() + delay_s, ZoneInfo(zone))
        self._world.hand_in(Job(self._later[-1], at=at))
        self._told = time.time()

    def expect_begun_after(self, delay_s: float, late_s: float) -> None:
        """Each of these was begun then: not before `delay_s`, and at most `late_s` after that."""
        for label in self._later:
            poll(lambda label=label: self._world.arrivals(label), self._told + delay_s + late_s - time.time())  # type: ignore[misc]
            begun = [call.arrived for call in self._world.arrivals(label)]
            must(begun, f"{label} was not begun in {delay_s + late_s:g} s")
            after, late = begun[0] - self._asked, begun[0] - self._told
            assert_that(after, greater_than_or_equal_to(delay_s - EARLY_S), f"seconds until {label} was begun")
            assert_that(late, less_than_or_equal_to(delay_s + late_s), f"seconds until {label} was begun")

    def every(self, interval_s: float) -> None:
        """A job is to be done every `interval_s`. It is stopped with the scenario, if it can be."""
        self._tick, self._interval_s, server = self._world.fresh("tick"), interval_s, self._world.servers[0]
        self._asked_for = time.time()
        server.every(interval_s, self._tick)
        self._scheduled = time.time()
        self._world.closing.callback(server.stop, self._tick)

    def _ticks(self) -> list[float]:
        return [call.arrived for call in self._world.arrivals(self._tick)]

    def begin_outage(self) -> None:
        """From now on nothing can be begun."""
        self._began, self._ticks_then = time.monotonic(), len(self._ticks())

    def see_outage(self, seconds: float) -> None:
        """So long nothing could be begun, which is seen to; until a moment after the job was due."""
        wait_until(self._began + seconds)
        if (since := (time.time() - self._scheduled) % self._interval_s) > _JUST_S:
            self.let_pass(self._interval_s - since)
        self._seen, self._ticks_before = time.time(), len(self._ticks())
        if self._ticks_before > self._ticks_then + 1:
            raise ProbeError("a job of a schedule was begun while the servers had no queue")

    def expect_made_up_once(self, within_s: float, back: float) -> None:
        """Within `within_s` of `back`, when there was a queue again, a run that was left out is made up for."""
        begun = poll(lambda: self._ticks()[self._ticks_before :], back + within_s - time.time())
        must(begun, f"nothing of what was left out was made up for in {within_s:g} s after the outage")
        late = begun[0] - back
        assert_that(late, less_than_or_equal_to(within_s), "seconds from the outage until one was made up for")

    def expect_no_burst(self) -> None:
        """After the outage it was begun once for all that was left out, and once each time that it was due since."""
        begun = self._ticks()[self._ticks_before :]
        then, now = ((moment - self._asked_for) // self._interval_s for moment in (self._seen, time.time()))
        assert_that(len(begun), less_than_or_equal_to(1 + int(now - then)), "how often it was begun since the outage")
        due = self._asked_for + (then + 1) * self._interval_s
        soon = [moment for moment in begun if moment < due - EARLY_S]
        assert_that(len(soon), less_than_or_equal_to(1), "how often it was begun before it was due again")

    def let_pass(self, seconds: float) -> None:
        """Waits."""
        wait_until(time.monotonic() + seconds)

    def expect_next(self) -> None:
        """It is begun in its time."""
        before = len(self._ticks())
        due = self._scheduled + ((time.time() - self._scheduled) // self._interval_s + 1) * self._interval_s
        must(
            poll(lambda: len(self._ticks()) > before, due + LATE_S - time.time()),
            f"a job of every {self._interval_s:g} s was not begun when it was due, nor {LATE_S:g} s later",
        )

    def expect_each_interval(self) -> None:
        """Until now it was begun once in each interval: never before its time, and at most one run was left out.

        A server that stands still for longer than an interval makes up for it by one run. All later ones come in their
        time, and have a smaller number than they would have had: so none is held to the moment of its number.
        """
        now, begun = time.time(), self._ticks()
        for number, moment in enumerate(begun, 1):
            early = moment - self._asked_for
            assert_that(
                early, greater_than_or_equal_to(number * self._interval_s - EARLY_S), f"seconds until run {number}"
            )
        due = int((now - self._scheduled - LATE_S) // self._interval_s)
        assert_that(len(begun), greater_than_or_equal_to(due - 1), f"runs in all, of {due} whose time is over")

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
