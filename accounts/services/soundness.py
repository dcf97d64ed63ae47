"""Whether the ledger may be trusted: what its last audit said. New paid work waits while it is broken."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal

from django.utils import timezone

from accounts.models import LedgerCheck
from accounts.services.audit import Breach
from stt_site.lib.errors import ErrorCode, ServiceError

logger = logging.getLogger(__name__)
EVERY = timedelta(minutes=1)
SHARE = 20
"""An audit that takes longer comes less often: it may have a twentieth of the time."""
PATIENCE = timedelta(minutes=15)
"""After this long an audit that was begun is taken for lost."""
STALE = timedelta(hours=1)
NO_MONEY = frozenset({"I9"})
"""Says that workers are behind, not that an amount is wrong: named in the log, but no reason to refuse work."""


def check_if_due(audit: Callable[[], Sequence[Breach]]) -> None:
    """Of several workers that come at the same moment, one does it."""
    now = timezone.now()
    LedgerCheck.objects.get_or_create(pk=LedgerCheck.ONLY, defaults={"next_at": now})
    if LedgerCheck.objects.filter(pk=LedgerCheck.ONLY, next_at__lte=now).update(next_at=now + PATIENCE):
        check(audit)


def check(audit: Callable[[], Sequence[Breach]]) -> Sequence[Breach]:
    began = time.monotonic()
    breaches = audit()
    took = time.monotonic() - began
    broken = any(breach.invariant not in NO_MONEY for breach in breaches)
    for breach in breaches:
        logger.error("The ledger's audit: %s: %s", breach.invariant, breach.detail)
    if broken:
        logger.critical("The ledger is broken: new paid work is refused until an audit finds it sound.")
    now = timezone.now()
    LedgerCheck.objects.update_or_create(
        pk=LedgerCheck.ONLY,
        defaults={
            "next_at": now + max(EVERY, timedelta(seconds=SHARE * took)),
            "checked_at": now,
            "took_ms": round(took * 1000),
            "broken": broken,
            "breaches": [f"{breach.invariant}: {breach.detail}" for breach in breaches],
        },
    )
    return breaches


def require_sound() -> None:
    """Raises LEDGER_BROKEN."""
    if LedgerCheck.objects.filter(pk=LedgerCheck.ONLY, broken=True).exists():
        raise ServiceError(ErrorCode.LEDGER_BROKEN)


def state() -> Literal["ok", "broken", "unchecked"]:
    last = LedgerCheck.objects.filter(pk=LedgerCheck.ONLY).first()
    if last is not None and last.broken:
        return "broken"
    fresh = last is not None and last.checked_at is not None and last.checked_at > timezone.now() - STALE
    return "ok" if fresh else "unchecked"
