"""A POST that its sender repeats because the answer was lost is answered again, and worked and charged once.

The sender names it with `Idempotency-Key`. The name is stored in the transaction that accepts the work, so there is
never work without its name. Refusals store nothing, nor does work that failed: it cost nothing and may be tried again.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import IdempotentRequest
from accounts.services.access import Caller
from stt_site.lib.errors import ErrorCode, ServiceError

LONGEST_KEY = 255
KEPT = timedelta(hours=72)
LOCK = timedelta(seconds=60)
"""How long whoever works on the answer may be silent: then the next retry takes over."""


@dataclass(frozen=True, slots=True)
class Ticket:
    user_id: int
    key: str
    method: str
    path: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ticket(caller: Caller, key: str | None, method: str, path: str, asked: Any) -> Ticket | None:
    """None without a key, and for callers without an account: of them nothing is kept. `asked` is all that the answer
    depends on, as JSON can say it."""
    if key is None or caller.user is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        message = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters. Nothing was charged."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    # What a test key was answered stands for no work that was paid: a live key that sends the same is refused.
    said = json.dumps([method, path, caller.is_test, asked], sort_keys=True, separators=(",", ":"))
    return Ticket(caller.user.pk, key, method, path, hashlib.sha256(said.encode()).hexdigest())


def is_known(caller: Caller, key: str | None) -> bool:
    """Whether work was accepted under this name: then its price is paid or held already."""
    if key is None or caller.user is None:
        return False
    return IdempotentRequest.objects.filter(user=caller.user, key=key, expires_at__gt=timezone.now()).exists()


def recall(ticket: Ticket) -> Answer | str | None:
    """The answer that was given; or, where whoever worked on it fell silent, the reference of what was accepted, now
    ours to answer; or None for what is new. Raises IDEMPOTENCY_MISMATCH and IDEMPOTENCY_IN_FLIGHT."""
    now = timezone.now()
    row = _rows(ticket).filter(expires_at__gt=now).first()
    if row is None:
        return None
    if row.fingerprint != ticket.fingerprint:
        raise ServiceError(ErrorCode.IDEMPOTENCY_MISMATCH)
    if row.status is not None:
        return Answer(row.status, row.headers, zlib.decompress(row.body))
    silent = _rows(ticket).filter(status=None, locked_until__lte=now)
    if not silent.update(locked_until=now + LOCK):
        raise in_flight()
    return row.reference


def claim(ticket: Ticket | None, reference: str) -> None:
    """In the transaction that accepts the work. Raises IDEMPOTENCY_IN_FLIGHT when another came first."""
    if ticket is None:
        return
    now = timezone.now()
    _rows(ticket).filter(expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            IdempotentRequest.objects.create(
                user_id=ticket.user_id,
                key=ticket.key,
                method=ticket.method,
                path=ticket.path[:200],
                fingerprint=ticket.fingerprint,
                reference=reference,
                locked_until=now + LOCK,
                expires_at=now + KEPT,
            )
    except IntegrityError as error:
        raise in_flight() from error


def keep(ticket: Ticket | None) -> None:
    """Still working on the answer. To be said every twenty seconds."""
    _lock_until(ticket, timezone.now() + LOCK)


def let_go(ticket: Ticket | None) -> None:
    """The work is done, but this one gives no answer: the next retry may."""
    _lock_until(ticket, timezone.now())


def store(ticket: Ticket | None, answer: Answer) -> None:
    if ticket is not None:
        body = zlib.compress(answer.body)
        _rows(ticket).filter(status=None).update(status=answer.status, headers=dict(answer.headers), body=body)


def drop(ticket: Ticket | None) -> None:
    """What was accepted failed and cost nothing: a retry begins anew."""
    if ticket is not None:
        _rows(ticket).filter(status=None).delete()


def forget(reference: str) -> None:
    """What was accepted is deleted, and with it what was answered."""
    IdempotentRequest.objects.filter(reference=reference).delete()


def purge() -> None:
    IdempotentRequest.objects.filter(expires_at__lte=timezone.now()).delete()


def in_flight() -> ServiceError:
    return ServiceError(ErrorCode.IDEMPOTENCY_IN_FLIGHT, retry_after=1)


def _lock_until(ticket: Ticket | None, moment: datetime) -> None:
    if ticket is not None:
        _rows(ticket).filter(status=None).update(locked_until=moment)


def _rows(ticket: Ticket) -> QuerySet[IdempotentRequest]:
    return IdempotentRequest.objects.filter(user_id=ticket.user_id, key=ticket.key)
