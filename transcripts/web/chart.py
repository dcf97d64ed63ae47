"""The chart of the usage page: numbers to rectangles, in the drawing's own units."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from accounts.services import ledger
from accounts.services.usage import Day

WIDTH, HEIGHT = 900, 208
GAP = 1.0
"""Between the parts of a bar."""


@dataclass(frozen=True, slots=True)
class Part:
    source: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    day: Day
    x: float
    width: float
    parts: list[Part]


def quarter_of_axis(most_mc: int) -> int:
    """A quarter of the axis, in millicredits: a round number of minutes of which four hold the highest bar."""
    needed = -(-most_mc // (4 * ledger.MILLICREDITS))
    steps = (step * int(10**zeros) for zeros in itertools.count() for step in (1, 2, 3, 5))
    return next(step for step in steps if step >= max(needed, 1)) * ledger.MILLICREDITS


def bars(days: Sequence[Day], quarter_mc: int) -> Iterator[Bar]:
    room = WIDTH / len(days)
    width = round(room * 0.6, 1)
    for number, day in enumerate(days):
        yield Bar(day, round(number * room + (room - width) / 2, 1), width, list(_parts(day, quarter_mc)))


def _parts(day: Day, quarter_mc: int) -> Iterator[Part]:
    """From the bottom up."""
    y = float(HEIGHT)
    for source, charged in day.charged_by.items():
        if charged:
            height = charged / (4 * quarter_mc) * HEIGHT
            y -= height
            yield Part(source, round(y, 1), round(max(height - GAP, GAP), 1))


def axis_dates(days: Sequence[Day]) -> list[date]:
    """Five, evenly: the first day, the last, and three between."""
    return [days[round(part * (len(days) - 1) / 4)].date for part in range(5)]
