"""What an owner's credits went to, read from the ledger alone: it outlives the recordings that it speaks of.

One settled reservation is one finished transcription; a released one failed or was cancelled, and cost nothing.
A credit is a charged minute, so an amount of millicredits says both. Days and months are UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Reservation, User
from accounts.services import ledger

DAYS = 30
SETTLED = Q(state=Reservation.State.SETTLED)


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    requests: int
    charged_mc: int


@dataclass(frozen=True, slots=True)
class Files:
    charged: int
    not_charged: int


def days(owner: User, count: int = DAYS) -> list[Day]:
    """The last `count` days, today too, oldest first, those without any use included."""
    today = timezone.now().astimezone(UTC).date()
    first = today - timedelta(days=count - 1)
    settled = Reservation.objects.filter(
        SETTLED, owner_id=owner.pk, closed_at__gte=datetime.combine(first, time(), UTC)
    )
    sums = settled.annotate(day=TruncDate("closed_at", tzinfo=UTC)).values("day").order_by("day")
    used = {
        day: (requests, charged)
        for day, requests, charged in sums.annotate(requests=Count("reference"), charged=Sum("charged_mc")).values_list(
            "day", "requests", "charged"
        )
    }
    dates = (first + timedelta(days=number) for number in range(count))
    return [Day(day, *used.get(day, (0, 0))) for day in dates]


def total(each: Sequence[Day]) -> tuple[int, int]:
    """Requests and millicredits of all the days."""
    return sum(day.requests for day in each), sum(day.charged_mc for day in each)


def files_this_month(owner: User) -> Files:
    since = ledger.month_start(timezone.now())
    counts = Reservation.objects.filter(owner_id=owner.pk, closed_at__gte=since).aggregate(
        charged=Count("reference", filter=SETTLED), not_charged=Count("reference", filter=~SETTLED)
    )
    return Files(counts["charged"], counts["not_charged"])


def charges(owner: User, count: int) -> list[Reservation]:
    """What ended last, newest first. A reference such as "job:12" names what was paid for."""
    closed = Reservation.objects.filter(owner_id=owner.pk, closed_at__isnull=False)
    return list(closed.order_by("-closed_at", "-reference")[:count])
