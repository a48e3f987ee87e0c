"""Jobs that come again and again: at an interval, or by the wall clock of a place (crontab(5))."""

import datetime
import json
import time
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from .queue import Queue

UTC = datetime.UTC
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day of month, month, day of week
_GIVES_UP_AFTER_DAYS = 366 * 8  # the 29th of February may be that far


class Schedules:
    """The schedules in Redis, which every server heeds: whoever comes first makes the job, and only that one."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._redis = queue, queue.redis

    def every(self, name: str, interval_s: float, label: str) -> None:
        """A job each `interval_s` seconds, the first after one interval."""
        said = json.dumps({"interval_ms": round(interval_s * 1000), "label": label})
        self._redis.hset("schedules", name, said)
        self._redis.zadd("ticks", {name: _now_ms() + round(interval_s * 1000)})

    def stop(self, name: str) -> None:
        """No more of these."""
        self._redis.zrem("ticks", name)
        self._redis.hdel("schedules", name)

    def heed(self) -> None:
        """Makes the job of each schedule that is due. Of intervals that nobody heeded, one is made up for."""
        due: Any = self._redis.zrangebyscore("ticks", "-inf", _now_ms(), withscores=True)
        for name, due_ms in due:
            text: Any = self._redis.hget("schedules", name)
            if text:
                said = json.loads(text)
                missed = (_now_ms() - due_ms) // said["interval_ms"]
                next_ms = due_ms + (missed + 1) * said["interval_ms"]
                self._queue.tick(name, due_ms, next_ms, said["label"])


def next_runs(cron: str, zone: str, after: datetime.datetime, count: int) -> list[datetime.datetime]:
    """The `count` moments (UTC) after `after` at which `cron` is due by the clock of `zone`.

    What is due in an hour that the clock leaves out is due right after it, and in an hour that comes twice the first
    time only; but for jobs of every hour, for which each hour counts. Raises ValueError for what is no such text.
    """
    fields = [_values(text, *limits) for text, limits in zip(_split(cron), _RANGES, strict=True)]
    place, every_hour = ZoneInfo(zone), _split(cron)[1] == "*"
    found: list[datetime.datetime] = []
    day = after.astimezone(place).date()
    for _ in range(_GIVES_UP_AFTER_DAYS):
        if len(found) >= count:
            break
        if _matches(day, cron, fields):
            found += [moment for moment in _on(day, place, fields, every_hour) if moment > after]
        day += datetime.timedelta(days=1)
    return found[:count]


def _on(day: datetime.date, place: ZoneInfo, fields: list[set[int]], every_hour: bool) -> Iterator[datetime.datetime]:
    """The moments of one day, each once and in their order."""
    folds = (0, 1) if every_hour else (0,)
    moments = {
        datetime.datetime.combine(day, datetime.time(hour, minute, fold=fold), place).astimezone(UTC)
        for hour in fields[1] for minute in fields[0] for fold in folds
    }  # fmt: skip
    yield from sorted(moments)


def _matches(day: datetime.date, cron: str, fields: list[set[int]]) -> bool:
    """crontab(5): where both the day of the month and that of the week are restricted, either is enough."""
    of_month, of_week = day.day in fields[2], bool({day.isoweekday(), day.isoweekday() % 7} & fields[4])
    texts = _split(cron)
    either = not texts[2].startswith("*") and not texts[4].startswith("*")
    return day.month in fields[3] and ((of_month or of_week) if either else (of_month and of_week))


def _split(cron: str) -> list[str]:
    if len(texts := cron.split()) != len(_RANGES):
        raise ValueError(f"expected minute, hour, day, month and day of week, got {cron!r}")
    return texts


def _values(text: str, low: int, high: int) -> set[int]:
    """What a field such as 5, 1-5, */15 or 1,3 stands for; raises ValueError."""
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        values |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    if not values or min(values) < low or max(values) > high:
        raise ValueError(f"expected {low} to {high}, got {text!r}")
    return values


def _now_ms() -> int:
    return round(time.time() * 1000)
