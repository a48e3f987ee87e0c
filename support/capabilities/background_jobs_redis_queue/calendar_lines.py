"""Lines of a calendar (crontab(5)), drawn anew in each run, and the moments at which a job is due by one.

What implementations take differently is not drawn: days that the clock changes, and "*/2" for one of the two kinds of
days while the other is restricted.
"""

import datetime
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from hamcrest import assert_that, equal_to

from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World

_ZONES = ("UTC", "Asia/Tokyo", "Asia/Kolkata", "America/Phoenix", "Pacific/Kiritimati")  # whose clocks never change
_LIMITS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 6)}
_EVERY_MONTH = 28  # the last day that every month has
_DAYS = 366 * 8  # in which each line comes often enough


class Field(NamedTuple):
    """What is written in one place of a line, and the numbers that fit it."""

    text: str
    fits: frozenset[int]


class Line(NamedTuple):
    """What a server is asked, and what it should tell."""

    text: str
    zone: str
    after: datetime.datetime
    due: list[datetime.datetime]


Way = Callable[[Random, int, int], Field]


class CalendarLines:
    """Lines, of which each place is written in each way by one at least."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._told: list[tuple[Line, list[datetime.datetime]]] = []

    def ask(self, runs: int) -> None:
        """Asks the servers in turn for the next `runs` moments of each line."""
        servers = turns(self._world.servers)
        for fields in self._fields():
            line = self._line(fields, runs)
            self._told.append((line, next(servers).next_runs(line.text, line.zone, line.after, runs)))

    def _fields(self) -> list[dict[str, Field]]:
        drawn = [self._one(**{place: way}) for place in _LIMITS for way in _WAYS]
        drawn += [self._one(weekday=lambda *_, text=text: Field(text, frozenset([0]))) for text in ("0", "7")]
        return [*drawn, *(self._one(day=_number, weekday=way) for way in (_number, _several, _span))]

    def _one(self, **ways: Way) -> dict[str, Field]:
        """The fields of a line, some of which are written in a given way; the others are free, or one number."""
        fields = {place: self._field(place, ways.get(place)) for place in _LIMITS}
        if "weekday" not in ways:
            fields["weekday"] = _any(self._draw, *_LIMITS["weekday"])
        if "day" in ways:
            fields["month"] = _any(self._draw, *_LIMITS["month"])  # the 31st of a drawn month may never come
        elif "weekday" in ways:
            fields["day"] = _any(self._draw, *_LIMITS["day"])
        return fields

    def _field(self, place: str, way: Way | None) -> Field:
        low, high = _LIMITS[place]
        if way is None:
            way, high = self._draw.choice((_any, _number)), _EVERY_MONTH if place == "day" else high
            return _any(self._draw, *_LIMITS[place]) if way is _any else _number(self._draw, low, high)
        return way(self._draw, low, high)

    def _line(self, fields: dict[str, Field], runs: int) -> Line:
        zone = self._draw.choice(_ZONES)
        # At half a minute: whether a moment comes after itself is not asked.
        after = datetime.datetime(2027, 1, 1, second=30, tzinfo=ZoneInfo(zone))
        after += datetime.timedelta(minutes=self._draw.randrange(3 * 365 * 1440))
        return Line(" ".join(field.text for field in fields.values()), zone, after, _due(fields, after)[:runs])

    def expect_right(self) -> None:
        """Each line is due when it says, and at no other moment."""
        for line, told in self._told:
            shown = f"moments of {line.text!r} in {line.zone} after {line.after.isoformat()} ({self._draw})"
            assert_that(told, equal_to(line.due), shown)


def _due(fields: dict[str, Field], after: datetime.datetime) -> list[datetime.datetime]:
    """The first moments after `after` that fit, a hundred or more of them if there are so many in eight years."""
    due: list[datetime.datetime] = []
    either = "*" not in (fields["day"].text, fields["weekday"].text)  # then one of both is enough
    for number in range(_DAYS):
        day = after.replace(hour=0, minute=0, second=0) + datetime.timedelta(days=number)
        fit = [day.day in fields["day"].fits, day.isoweekday() % 7 in fields["weekday"].fits]
        if day.month in fields["month"].fits and (any(fit) if either else all(fit)):
            times = [(hour, minute) for hour in sorted(fields["hour"].fits) for minute in sorted(fields["minute"].fits)]
            moments = [day.replace(hour=hour, minute=minute) for hour, minute in times]
            due += [moment for moment in moments if moment > after]
        if len(due) >= 100:
            break
    return due


def _any(_: Random, low: int, high: int) -> Field:
    return Field("*", frozenset(range(low, high + 1)))


def _number(draw: Random, low: int, high: int) -> Field:
    number = draw.randint(low, high)
    return Field(str(number), frozenset([number]))


def _several(draw: Random, low: int, high: int) -> Field:
    numbers = draw.sample(range(low, high + 1), 3)
    return Field(",".join(map(str, numbers)), frozenset(numbers))


def _span(draw: Random, low: int, high: int) -> Field:
    first, last = sorted(draw.sample(range(low, high + 1), 2))
    return Field(f"{first}-{last}", frozenset(range(first, last + 1)))


def _span_and_number(draw: Random, low: int, high: int) -> Field:
    span, number = _span(draw, low, high - 2), _number(draw, high - 1, high)
    return Field(f"{number.text},{span.text}", span.fits | number.fits)


def _step(draw: Random, low: int, high: int) -> Field:
    step = draw.randint(2, 3)
    return Field(f"*/{step}", frozenset(range(low, high + 1, step)))


def _span_in_steps(draw: Random, low: int, high: int) -> Field:
    first, step = draw.randint(low, low + 2), draw.randint(2, 3)
    return Field(f"{first}-{high}/{step}", frozenset(range(first, high + 1, step)))


_WAYS: tuple[Way, ...] = (_any, _number, _several, _span, _span_and_number, _step, _span_in_steps)
