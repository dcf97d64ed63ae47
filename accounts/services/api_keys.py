"""Keys look like `stt_live_<id10>_<secret43>_<crc6>`, base62, so that a scanner can tell one offline.

The secret carries 256 bits, so a keyed hash is enough: there is nothing that a slow one could protect.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, User
from stt_site.lib.errors import ErrorCode, ServiceError

SCOPES = ("transcribe", "read", "write", "delete", "stream", "keys:write", "billing:read", "webhooks")
DEFAULT_SCOPES = ("transcribe", "read", "write", "delete", "stream")
MAX_ACTIVE_KEYS = 20
KEY_ID_LENGTH = 10
LAST_USED_RESOLUTION = timedelta(minutes=1)

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY = re.compile(r"(stt_live_([0-9A-Za-z]{10})_([0-9A-Za-z]{43}))_([0-9A-Za-z]{6})", re.ASCII)


def create_key(
    user: User,
    name: str,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
    *,
    key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """The row and the plaintext, which exists nowhere else. The same `key_id`, one of `new_key_id`, makes one key."""
    granted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in granted if scope not in SCOPES]
    if unknown or not granted:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"A key's scopes are some of {', '.join(SCOPES)}.")
    name = name.strip()
    if not name or len(name) > 100:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "Give the key a name of 1 to 100 characters.")
    key_id, secret = key_id or new_key_id(), _random(43)
    body = f"stt_live_{key_id}_{secret}"
    plaintext = f"{body}_{_checksum(body)}"
    with transaction.atomic():
        # Two requests at once must not both count nineteen.
        User.objects.select_for_update().get(pk=user.pk)
        if ApiKey.objects.filter(key_id=key_id).exists():
            raise ServiceError(ErrorCode.CONFLICT, "This form has made its key already. No other was made.")
        if active_keys(user).count() >= MAX_ACTIVE_KEYS:
            message = f"An account has at most {MAX_ACTIVE_KEYS} active keys. Revoke one, then retry."
            raise ServiceError(ErrorCode.CONFLICT, message)
        key = ApiKey.objects.create(
            user=user,
            name=name,
            key_id=key_id,
            secret_hash=_hash(secret),
            last_four=plaintext[-4:],
            scopes=granted,
            expires_at=expires_at,
        )
    return key, plaintext


def new_key_id() -> str:
    return _random(KEY_ID_LENGTH)


def find(plaintext: str) -> ApiKey | None:
    """The usable key, or None for one that is malformed, unknown, revoked, expired or of a closed account."""
    match = KEY.fullmatch(plaintext)
    if match is None or not hmac.compare_digest(match[4], _checksum(match[1])):
        return None
    key = ApiKey.objects.select_related("user").filter(key_id=match[2]).first()
    # The same work for an unknown id: how long a refusal takes says nothing.
    stored = key.secret_hash if key else "0" * 64
    if not hmac.compare_digest(stored, _hash(match[3])) or key is None:
        return None
    now = timezone.now()
    if key.revoked_at or (key.expires_at and key.expires_at <= now) or not key.user.is_active:
        return None
    _note_use(key, now)
    return key


def still_usable(pk: int) -> bool:
    """For work that began with the key a while ago, such as a long upload."""
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


def grantable(scopes: Iterable[str] | None, api_key_id: int | None) -> list[str]:
    """A key makes no key that may do more than itself."""
    own = SCOPES if api_key_id is None else ApiKey.objects.values_list("scopes", flat=True).get(pk=api_key_id)
    if scopes is None:
        return [scope for scope in DEFAULT_SCOPES if scope in own]
    wanted = list(scopes)
    if excess := [scope for scope in wanted if scope not in own]:
        message = f"This API key cannot give what it lacks: {', '.join(excess)}. No key was made."
        raise ServiceError(ErrorCode.MISSING_SCOPE, message)
    return wanted


def active_keys(user: User) -> QuerySet[ApiKey]:
    return active(user.api_keys.all())


def active(keys: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    return keys.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def _note_use(key: ApiKey, now: datetime) -> None:
    stale = now - LAST_USED_RESOLUTION
    if key.last_used_at is None or key.last_used_at <= stale:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lte=stale)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _hash(secret: str) -> str:
    return hmac.new(settings.API_KEY_PEPPER.encode(), secret.encode(), hashlib.sha256).hexdigest()
