"""What an owner's credits went to, read from the ledger alone: it outlives the recordings that it speaks of.

One settled reservation is one finished transcription (a stream has one for each slice); a released one failed or was
cancelled, and cost nothing. A credit is a charged minute: an amount of millicredits says both. Days and months are UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import ApiKey, Reservation, User
from accounts.services import months
from accounts.services.ledger import Balance

DAYS = 30
SETTLED = Q(state=Reservation.State.SETTLED)
FIRST_SLICE = Q(reference__endswith=":slice:0") | ~Q(reference__contains=":slice:")
"""Counts a stream once."""
SLICES = 20
"""For each row of a list, so many are read: a list mostly of streams may come out shorter."""
SOURCES = tuple(Reservation.Source.values)
FORECAST_DAYS = 14
FORECAST_NEEDS = 3
"""Days with use among the last FORECAST_DAYS. From fewer, a forecast would be a guess."""
FARTHEST = timedelta(days=365)
By = ApiKey | Literal["web"] | None
"""Whose use: of one key, of the pages (which send no key), or of all."""


@dataclass(frozen=True, slots=True)
class Day:
    """`charged_by` has every source, in millicredits."""

    date: date
    requests: int
    charged_by: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SOURCES, 0))

    @property
    def charged_mc(self) -> int:
        return sum(self.charged_by.values())


@dataclass(frozen=True, slots=True)
class Charge:
    """`reference`, such as "job:12", names the work; `paid_for` its result, whether that is still there or not."""

    at: datetime
    reference: str
    paid_for: str
    source: str
    api_key_id: int | None
    charged_mc: int


@dataclass(frozen=True, slots=True)
class Files:
    charged: int
    not_charged: int


def days(owner: User, count: int = DAYS, *, by: By = None) -> list[Day]:
    """The last `count` days, today too, oldest first, those without any use included."""
    today = timezone.now().astimezone(UTC).date()
    first = today - timedelta(days=count - 1)
    settled = _closed(owner, by).filter(SETTLED, closed_at__gte=datetime.combine(first, time(), UTC))
    sums = settled.annotate(day=TruncDate("closed_at", tzinfo=UTC)).values("day", "source").order_by("day")
    requests: dict[date, int] = {}
    charged: dict[date, dict[str, int]] = {}
    for row in sums.annotate(requests=Count("reference", filter=FIRST_SLICE), charged=Sum("charged_mc")):
        requests[row["day"]] = requests.get(row["day"], 0) + row["requests"]
        of_day = charged.setdefault(row["day"], dict.fromkeys(SOURCES, 0))
        # What was held before holds said their source came by the pages or the API; nobody knows which.
        of_day[row["source"] or Reservation.Source.API] += row["charged"]
    dates = (first + timedelta(days=number) for number in range(count))
    return [Day(day, requests[day], charged[day]) if day in charged else Day(day, 0) for day in dates]


def total(each: Iterable[Day]) -> tuple[int, dict[str, int]]:
    """Requests, and millicredits by source, of all the days."""
    requests, charged = 0, dict.fromkeys(SOURCES, 0)
    for day in each:
        requests += day.requests
        for source, amount in day.charged_by.items():
            charged[source] += amount
    return requests, charged


def files_this_month(owner: User, *, by: By = None) -> Files:
    since = months.start(timezone.now())
    counts = (
        _closed(owner, by)
        .filter(FIRST_SLICE, closed_at__gte=since)
        .aggregate(charged=Count("reference", filter=SETTLED), not_charged=Count("reference", filter=~SETTLED))
    )
    return Files(counts["charged"], counts["not_charged"])


def charges(owner: User, count: int, *, by: By = None) -> list[Charge]:
    """What ended last, newest first, a stream in one."""
    found: dict[str, Charge] = {}
    for row in _closed(owner, by).order_by("-closed_at", "-reference")[: count * SLICES]:
        name = row.paid_for or row.reference
        if name in found:
            found[name] = replace(found[name], charged_mc=found[name].charged_mc + row.charged_mc)
        elif len(found) < count:
            at = row.closed_at or row.created_at
            found[name] = Charge(at, row.reference, row.paid_for, row.source, row.api_key_id, row.charged_mc)
    return list(found.values())


def runs_out(each: Sequence[Day], balance: Balance) -> date | None:
    """The day on which the credits end if use goes on as in the last FORECAST_DAYS. None where too little is known, and
    where new free minutes come first or the end is more than a year away."""
    recent = each[-FORECAST_DAYS:]
    used = sum(day.charged_mc for day in recent)
    if (
        not balance.available_mc
        or len(recent) < FORECAST_DAYS
        or sum(1 for day in recent if day.charged_mc) < FORECAST_NEEDS
    ):
        return None
    ahead = timedelta(days=min(balance.available_mc * FORECAST_DAYS // used, FARTHEST.days + 1))
    end = recent[-1].date + ahead
    renewed_before = settings.FREE_MINUTES_PER_MONTH > 0 and end >= balance.renews_at.astimezone(UTC).date()
    return None if renewed_before or ahead > FARTHEST else end


def _closed(owner: User, by: By) -> QuerySet[Reservation]:
    closed = Reservation.objects.filter(owner_id=owner.pk, closed_at__isnull=False)
    if by == "web":
        return closed.filter(api_key_id=None)
    return closed if by is None else closed.filter(api_key_id=by.pk)
