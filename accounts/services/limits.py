"""What a caller may do at once and in a day. One conditional statement takes each count, so racers cannot pass it."""

from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import ConcurrencySlot, DailyUse
from accounts.services import debts, key_caps, ledger, rate_limits
from accounts.services.access import Caller
from accounts.services.plans import MEGABYTE
from stt_site.lib.errors import ErrorCode, ServiceError

SLOT_LEASE = timedelta(seconds=60)
CONCURRENCY_RETRY_SECONDS = 5

# A place is taken when it is free or its lease is over; a racer that comes second changes no row.
TAKE_SLOT = """
INSERT INTO accounts_concurrencyslot (caller, number, holder, lease_until) VALUES (%s, %s, %s, %s)
ON CONFLICT (caller, number) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
WHERE accounts_concurrencyslot.lease_until <= %s
"""
COUNT_DAILY = """
INSERT INTO accounts_dailyuse (caller, day, count) VALUES (%s, %s, 1)
ON CONFLICT (caller, day) DO UPDATE SET count = accounts_dailyuse.count + 1
WHERE accounts_dailyuse.count < %s
"""


def check_before_body(
    caller: Caller, declared_size: int | None, *, paid: bool = False, largest: int | None = None
) -> None:
    """What can be refused from the headers alone. Writes nothing, so a later check must still hold. `paid`: it
    costs nothing (more), as does the repetition of what was accepted before. `largest`: the address's own limit."""
    if declared_size is not None and declared_size > max_file_bytes(caller, largest):
        raise file_too_large(caller, largest)
    if caller.is_anonymous:
        limit = caller.plan.daily_transcriptions
        used = DailyUse.objects.filter(caller=caller.key, day=_today()).values_list("count", flat=True).first() or 0
        if limit is not None and used >= limit:
            raise _daily_limit(limit)
    elif caller.user is not None and not (caller.is_test or paid):
        if owed := debts.owed_mc(caller.user.pk):
            raise ledger.frozen(owed)
        if ledger.available_mc(caller.user) <= 0:
            raise ledger.insufficient(0, 0)
        left = key_caps.left_mc(caller)
        if left is not None and left <= 0:
            raise key_caps.refusal()


def max_file_bytes(caller: Caller, largest: int | None) -> int:
    of_plan = caller.plan.max_file_bytes
    return of_plan if largest is None else min(of_plan, largest)


def file_too_large(caller: Caller, largest: int | None = None) -> ServiceError:
    if largest is not None and largest < caller.plan.max_file_bytes:
        message = f"The file is larger than {largest} bytes, the most that this address takes. Nothing was charged."
        return ServiceError(ErrorCode.FILE_TOO_LARGE, message)
    megabytes = caller.plan.max_file_bytes // MEGABYTE
    whose = "without an account" if caller.is_anonymous else f"on the {caller.plan.name.lower()} plan"
    message = f"The file is larger than {megabytes} MB, the most {whose}. Nothing was charged."
    return ServiceError(ErrorCode.FILE_TOO_LARGE, message)


def take_slot(caller: Caller, holder: str) -> None:
    """Inside the caller's transaction, before credits are touched: closing work gives its slot back first, too."""
    now = timezone.now()
    mine = ConcurrencySlot.objects.filter(caller=caller.key)
    taken = mine.values_list("number", "holder", "lease_until")
    if any(its == holder for _, its, _ in taken) and mine.filter(holder=holder).update(lease_until=now + SLOT_LEASE):
        return
    cap = caller.plan.concurrent
    live = {number for number, _, until in taken if until > now}
    # Places above the cap are there when the plan was larger a moment ago.
    if len(live) < cap:
        for number in range(cap):
            if number not in live and _take(caller.key, number, holder, now):
                return
    message = f"At most {cap} at once is in your plan, and that many are running. Wait for one to end, then retry."
    raise ServiceError(
        ErrorCode.CONCURRENCY_LIMIT, message, retry_after=CONCURRENCY_RETRY_SECONDS, details={"limit": cap}
    )


def renew_slot(holder: str) -> None:
    ConcurrencySlot.objects.filter(holder=holder).update(lease_until=timezone.now() + SLOT_LEASE)


def free_slot(holder: str) -> None:
    ConcurrencySlot.objects.filter(holder=holder).delete()


def count_daily(caller: Caller) -> None:
    limit = caller.plan.daily_transcriptions
    if not caller.is_anonymous or limit is None:
        return
    if not _count(caller.key, limit):
        raise _daily_limit(limit)


def count_test(caller: Caller) -> None:
    """What a test key runs is free, and so it is little."""
    limit = settings.TEST_KEY_PER_DAY
    if not _count(f"test:{caller.key}", limit):
        message = f"The {limit} recordings that an account's test keys may send a day are used up. Use a live key."
        raise ServiceError(ErrorCode.DAILY_LIMIT, message, retry_after=_seconds_to_midnight())


def _count(caller: str, limit: int) -> bool:
    if limit < 1:
        return False
    with connection.cursor() as cursor:
        cursor.execute(COUNT_DAILY, [caller, connection.ops.adapt_datefield_value(_today()), limit])
        return bool(cursor.rowcount == 1)


def uncount_daily(caller_key: str, day: date) -> None:
    """Gives back what a transcription that failed had used."""
    DailyUse.objects.filter(caller=caller_key, day=day, count__gt=0).update(count=F("count") - 1)


def purge() -> None:
    """Forgets leases and counts that no longer limit anybody."""
    rate_limits.purge()
    now = timezone.now()
    ConcurrencySlot.objects.filter(lease_until__lte=now - timedelta(hours=1)).delete()
    DailyUse.objects.filter(day__lt=_today() - timedelta(days=1)).delete()


def _take(caller: str, number: int, holder: str, now: datetime) -> bool:
    lease, clock = (_adapt(value) for value in (now + SLOT_LEASE, now))
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SLOT, [caller, number, holder, lease, clock])
        return bool(cursor.rowcount == 1)


def _adapt(value: datetime) -> str | datetime:
    return connection.ops.adapt_datetimefield_value(value) or value


def _daily_limit(limit: int) -> ServiceError:
    message = (
        f"The {limit} free transcriptions of today are used up. Sign up for more, or come back after midnight UTC."
    )
    return ServiceError(ErrorCode.DAILY_LIMIT, message, retry_after=_seconds_to_midnight())


def _seconds_to_midnight() -> int:
    midnight = datetime.combine(_today() + timedelta(days=1), time(), UTC)
    return max(1, int((midnight - timezone.now()).total_seconds()) + 1)


def _today() -> date:
    return timezone.now().astimezone(UTC).date()
