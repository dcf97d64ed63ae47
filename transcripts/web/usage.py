"""What the credits went to: this month, each of the last days, the latest charges and requests."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import ApiKey
from accounts.services import api_keys, ledger, months, request_log, usage
from stt_site.lib.streaming import attachment
from transcripts import selectors
from transcripts.web.access import signed_in
from transcripts.web.chart import HEIGHT, WIDTH, axis_dates, bars, quarter_of_axis
from transcripts.web.library import status_now
from transcripts.web.present import Status

if TYPE_CHECKING:
    from accounts.models import RequestLog, User
    from transcripts.models import Transcript

LATEST = 20
RANGES = {7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days"}
SOURCES = {"web": "Web", "api": "API", "live": "Live"}
DELETED = Status("deleted", "Deleted since", "trash")


@dataclass(frozen=True, slots=True)
class Charge:
    """`transcript` is None where it was deleted since. `charged_mc` is 0 for what failed or was cancelled."""

    at: datetime
    transcript: "Transcript | None"
    paid_for: str
    door: str
    charged_mc: int
    status: Status


@dataclass(frozen=True, slots=True)
class Chosen:
    by: usage.By
    key: str
    days: int


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    keys = list(api_keys.keys_of(user))
    chosen = _chosen(request, keys)
    days = usage.days(user, max(chosen.days, usage.DAYS), by=chosen.by)
    shown = days[-chosen.days :]
    requests, charged_by = usage.total(shown)
    balance = ledger.balance(user)
    quarter_mc = quarter_of_axis(max(day.charged_mc for day in shown))
    charges, log = _charges(user, chosen, keys), _log(request, user, chosen)
    context = {
        "chosen": chosen,
        "keys": keys,
        "ranges": RANGES.items(),
        "sources": SOURCES.items(),
        "files": usage.files_this_month(user, by=chosen.by),
        "speed": selectors.average_speed(user, months.start(timezone.now())),
        "monthly": settings.FREE_MINUTES_PER_MONTH,
        "balance": balance,
        "ends": usage.runs_out(days, balance) if chosen.by is None else None,
        "now": timezone.now(),
        "days": shown,
        "bars": list(bars(shown, quarter_mc)),
        "marks": [ledger.credits_text(quarter_mc * part) for part in (4, 3, 2, 1, 0)],
        "lines": [HEIGHT * part // 4 for part in range(5)],
        "dates": axis_dates(shown),
        "width": WIDTH,
        "height": HEIGHT,
        "requests": requests,
        "charged_mc": sum(charged_by.values()),
        "charges": charges,
        "latest": LATEST,
        "log": log,
        "older": log[-1].pk if len(log) == LATEST else None,
        # A filter that finds nothing is no reason to explain how to begin.
        "begun": bool(charges) or chosen.by is not None or usage.charges(user, 1),
    }
    return render(request, "usage.html", context)


@login_required
@require_safe
def table(request: HttpRequest) -> HttpResponse:
    """The numbers of the chart, as CSV. Nothing in it is anybody's text."""
    user = signed_in(request)
    chosen = _chosen(request, api_keys.keys_of(user))
    days = usage.days(user, chosen.days, by=chosen.by)
    name = f"usage-{days[0].date}-{days[-1].date}.csv"
    headers = {**attachment(name), "Cache-Control": "private, no-store"}
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    rows = csv.writer(response)
    rows.writerow(("date", "requests", "minutes", "credits", *usage.SOURCES))
    for day in days:
        charged = _plain(day.charged_mc)
        rows.writerow((day.date, day.requests, charged, charged, *map(_plain, day.charged_by.values())))
    return response


def _plain(amount_mc: int) -> str:
    return ledger.credits_text(amount_mc).replace(",", "")


def _chosen(request: HttpRequest, keys: Iterable[ApiKey]) -> Chosen:
    """What is not offered is as if it were not said: the page is there for whoever follows an old link."""
    named: Mapping[str, usage.By] = {"web": "web", **{str(key.pk): key for key in keys}}
    key, days = request.GET.get("key", ""), request.GET.get("days", "")
    by = named.get(key)
    known = days.isdecimal() and len(days) < 4 and int(days) in RANGES
    return Chosen(by, key if by else "", int(days) if known else usage.DAYS)


def _charges(user: "User", chosen: Chosen, keys: Iterable[ApiKey]) -> list[Charge]:
    closed = usage.charges(user, LATEST, by=chosen.by)
    found = selectors.transcripts_paid_by(user, [each.reference for each in closed])
    names = {key.pk: key.name for key in keys}
    return [
        Charge(
            each.at,
            transcript := found.get(each.reference),
            each.paid_for,
            names.get(each.api_key_id or 0) or SOURCES.get(each.source, ""),
            each.charged_mc,
            status_now(transcript) if transcript else DELETED,
        )
        for each in closed
    ]


def _log(request: HttpRequest, user: "User", chosen: Chosen) -> "list[RequestLog]":
    """Requests of the API alone; the pages have none."""
    if chosen.by == "web":
        return []
    before = request.GET.get("before", "")
    first = int(before) if before.isdecimal() and len(before) < 19 else None
    return request_log.recent(user, key=chosen.by, before=first, limit=LATEST)
