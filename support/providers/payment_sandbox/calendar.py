"""Months: the nth is counted from the anchor, never from the last period, and a day that a month lacks is its last."""

import calendar
from datetime import UTC, datetime

DAY_S = 86400
HOUR_S = 3600


def months_after(anchor: int, count: int) -> int:
    """The moment `count` months after `anchor`, both in seconds since the epoch; `count` may be negative."""
    start = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(start.month - 1 + count, 12)
    year = start.year + years
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())
