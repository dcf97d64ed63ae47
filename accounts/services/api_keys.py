"""API keys: to make, to find, to roll and to revoke. `stt_site.lib.tokens` says how their text looks."""

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.services.key_powers import DEFAULT_SCOPES, SCOPES, Powers
from stt_site.lib import tokens
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id

__all__ = ["DEFAULT_SCOPES", "SCOPES"]
MAX_ACTIVE_KEYS = 20
KEY_ID_LENGTH = tokens.ID_LENGTH
LAST_USED_RESOLUTION = timedelta(minutes=1)
OVERLAPS = (timedelta(), timedelta(hours=1), timedelta(hours=24), timedelta(hours=72))
"""How long a key that was rolled may go on working."""
STREAM_RECHECK_SECONDS = 5.0
"""How often a connection that stays open asks `still_usable`: a revoked key has lost it within ten seconds."""


def create_key(
    user: User,
    name: str,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
    *,
    mode: str = ApiKey.Mode.LIVE,
    monthly_minutes: int | None = None,
    family: str = "",
    key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """The row and the plaintext, which exists nowhere else. The same `key_id`, one of `new_key_id`, makes one key."""
    powers = Powers.checked(scopes, expires_at, mode, monthly_minutes, family)
    name = name.strip()
    if not name or len(name) > 100:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "Give the key a name of 1 to 100 characters.")
    with transaction.atomic():
        _take_turns(user)
        if key_id and ApiKey.objects.filter(key_id=key_id).exists():
            raise ServiceError(ErrorCode.CONFLICT, "This form has made its key already. No other was made.")
        if lasting_keys(user).count() >= MAX_ACTIVE_KEYS:
            message = f"An account has at most {MAX_ACTIVE_KEYS} active keys. Revoke one, then retry."
            raise ServiceError(ErrorCode.CONFLICT, message)
        return _insert(user, name, powers, key_id)


def roll(key: ApiKey, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new key in the place of this one, which works for `overlap`, one of OVERLAPS, more. It has the same scopes,
    end and cap, and what the old one spent this month counts. Raises CONFLICT where there is nothing to roll."""
    if overlap not in OVERLAPS:
        hours = ", ".join(str(each // timedelta(hours=1)) for each in OVERLAPS)
        message = f"The old key can go on working for {hours} hours. Nothing was changed."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    with transaction.atomic():
        _take_turns(key.user)
        key.refresh_from_db()
        if key.replaced_by_id is not None:
            raise ServiceError(ErrorCode.CONFLICT, "This key was rolled before. Roll the one that replaced it.")
        if not active(ApiKey.objects.filter(pk=key.pk)).exists():
            raise ServiceError(ErrorCode.CONFLICT, "This key is revoked or expired. Make a new one.")
        now = timezone.now()
        successor, plaintext = _insert(key.user, key.name, Powers.of(key), None)
        end = now + overlap
        if not overlap:
            key.revoked_at = now
        elif key.expires_at is None or key.expires_at > end:
            key.expires_at = end
        key.replaced_by = successor
        key.save(update_fields=["revoked_at", "expires_at", "replaced_by"])
    return successor, plaintext


def new_key_id() -> str:
    return new_id(KEY_ID_LENGTH)


def find(plaintext: str, ip: str = "") -> ApiKey | None:
    """The usable key, or None for one that is malformed, unknown, revoked, expired or of a closed account."""
    token = tokens.parse(plaintext)
    if token is None or token.kind not in ApiKey.Mode:
        return None
    key = ApiKey.objects.select_related("user").filter(key_id=token.id, mode=token.kind).first()
    # The same work for an unknown id: how long a refusal takes says nothing.
    stored = key.secret_hash if key else "0" * 64
    if not hmac.compare_digest(stored, token.hash) or key is None:
        return None
    now = timezone.now()
    if key.revoked_at or (key.expires_at and key.expires_at <= now) or not key.user.is_active:
        return None
    _note_use(key, now, ip)
    return key


def still_usable(pk: int) -> bool:
    """For what began with the key a while ago: a long upload at its end, an open stream every
    STREAM_RECHECK_SECONDS."""
    return active(ApiKey.objects.filter(pk=pk, user__is_active=True)).exists()


def revoke(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def keys_of(user: User) -> QuerySet[ApiKey]:
    return user.api_keys.order_by("-created_at", "-pk")


def key_of(user: User, pk: int) -> ApiKey:
    key = user.api_keys.filter(pk=pk).first()
    if key is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return key


def active_keys(user: User) -> QuerySet[ApiKey]:
    return active(user.api_keys.all())


def lasting_keys(user: User) -> QuerySet[ApiKey]:
    """The active ones without those that were rolled and end soon."""
    return active_keys(user).filter(replaced_by=None)


def active(keys: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    return keys.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def _take_turns(user: User) -> None:
    """Two requests at once must not both count nineteen, nor roll the same key."""
    User.objects.select_for_update().get(pk=user.pk)


def _insert(user: User, name: str, powers: Powers, key_id: str | None) -> tuple[ApiKey, str]:
    token = tokens.new_token(powers.mode, key_id)
    plaintext = str(token)
    key = ApiKey.objects.create(
        user=user,
        name=name,
        mode=powers.mode,
        key_id=token.id,
        secret_hash=token.hash,
        last_four=plaintext[-4:],
        scopes=list(powers.scopes),
        monthly_minutes=powers.monthly_minutes,
        expires_at=powers.expires_at,
        family=powers.family or token.id,
    )
    return key, plaintext


def _note_use(key: ApiKey, now: datetime, ip: str) -> None:
    stale = now - LAST_USED_RESOLUTION
    if key.last_used_at is None or key.last_used_at <= stale:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lte=stale)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now, last_used_ip=ip or None)
