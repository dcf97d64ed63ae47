"""What the credits went to: this month, each of the last days, the latest charges."""

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.services import ledger, usage
from transcripts import selectors
from transcripts.web.access import signed_in
from transcripts.web.library import status_now
from transcripts.web.present import Status

if TYPE_CHECKING:
    from accounts.models import User
    from transcripts.models import Transcript

LATEST = 50
WIDTH, HEIGHT, BAR = 900, 208, 18
"""Of the chart and of its bars, in the drawing's own units."""
DELETED = Status("deleted", "Deleted since", "trash")


@dataclass(frozen=True, slots=True)
class Bar:
    day: usage.Day
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Charge:
    """`transcript` is None where it was deleted since. `charged_mc` is 0 for what failed or was cancelled."""

    at: datetime
    transcript: "Transcript | None"
    charged_mc: int
    status: Status


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    days = usage.days(user)
    quarter_mc = quarter_of_axis(max(day.charged_mc for day in days))
    requests, charged = usage.total(days)
    context = {
        "files": usage.files_this_month(user),
        "monthly": settings.FREE_MINUTES_PER_MONTH,
        "now": timezone.now(),
        "days": days,
        "bars": list(bars(days, quarter_mc)),
        "marks": [ledger.credits_text(quarter_mc * part) for part in (4, 3, 2, 1, 0)],
        "lines": [HEIGHT * part // 4 for part in range(4)],
        "dates": axis_dates(days),
        "width": WIDTH,
        "height": HEIGHT,
        "bar": BAR,
        "requests": requests,
        "charged_mc": charged,
        "charges": charges(user),
        "latest": LATEST,
    }
    return render(request, "usage.html", context)


@login_required
@require_safe
def table(request: HttpRequest) -> HttpResponse:
    """The numbers of the chart, as CSV. Nothing in it is anybody's text."""
    days = usage.days(signed_in(request))
    name = f"usage-{days[0].date}-{days[-1].date}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    rows = csv.writer(response)
    rows.writerow(("date", "requests", "minutes", "credits"))
    for day in days:
        charged = ledger.credits_text(day.charged_mc).replace(",", "")
        rows.writerow((day.date, day.requests, charged, charged))
    return response


def charges(user: "User") -> list[Charge]:
    closed = usage.charges(user, LATEST)
    found = selectors.transcripts_paid_by(user, [each.reference for each in closed])
    return [
        Charge(
            each.closed_at or each.created_at,
            transcript := found.get(each.reference),
            each.charged_mc,
            status_now(transcript) if transcript else DELETED,
        )
        for each in closed
    ]


def quarter_of_axis(most_mc: int) -> int:
    """A quarter of the axis, in millicredits: a round number of minutes of which four hold the highest bar."""
    needed = -(-most_mc // (4 * ledger.MILLICREDITS))
    steps = (step * int(10**zeros) for zeros in itertools.count() for step in (1, 2, 3, 5))
    return next(step for step in steps if step >= max(needed, 1)) * ledger.MILLICREDITS


def bars(days: Sequence[usage.Day], quarter_mc: int) -> Iterator[Bar]:
    room = WIDTH / len(days)
    for number, day in enumerate(days):
        height = round(day.charged_mc / (4 * quarter_mc) * HEIGHT, 1)
        yield Bar(day, round(number * room + (room - BAR) / 2, 1), round(HEIGHT - height, 1), height)


def axis_dates(days: Sequence[usage.Day]) -> list[date]:
    """Five, evenly: the first day, the last, and three between."""
    return [days[round(part * (len(days) - 1) / 4)].date for part in range(5)]
