"""A month of free minutes, by the clock of UTC."""

from datetime import UTC, datetime


def reference(now: datetime) -> str:
    return f"free:{now.astimezone(UTC):%Y-%m}"


def start(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def end(now: datetime) -> datetime:
    first = start(now)
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
