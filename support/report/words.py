"""Amounts, times and counts, as a person reads them."""

from datetime import UTC, datetime


def money(usd: int) -> str:
    """USD in thousands, as in $1,450K; what is no whole thousand is not rounded."""
    return f"${usd // 1000:,}K" if usd and usd % 1000 == 0 else f"${usd:,}"


def took(seconds: float) -> str:
    """A time as 0.35 s, 4.2 s, 42 s or 3 min 5 s."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def megabytes(size: int) -> str:
    """Bytes as 16 MB, in powers of 1024 as the limits of containers are."""
    return f"{size / 1024**2:,.0f} MB"


def count(number: int, noun: str) -> str:
    """`1 scenario`, `3 scenarios`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def moment(text: str) -> datetime | None:
    """The time that is written as ISO 8601, in UTC where it does not say; None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def date(text: str) -> str:
    """ISO 8601 as `24 November 2026, 18:39 UTC`; the text itself when it is none."""
    found = moment(text)
    return f"{found.astimezone(UTC):%-d %B %Y, %H:%M} UTC" if found else str(text)
