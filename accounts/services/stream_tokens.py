"""What opens one live stream: a browser cannot keep an API key, so its server asks for a token with one.

A token works once, within a minute. Whoever has the stream open then asks `still_allowed` every
api_keys.STREAM_RECHECK_SECONDS: what is revoked reaches it within ten.
"""

from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from accounts.models import StreamToken, User
from accounts.services import access, api_keys, plans
from accounts.services.access import Caller
from stt_site.lib import tokens
from stt_site.lib.errors import ErrorCode, ServiceError

LIFETIME = timedelta(seconds=60)
KIND = "tmp"
SECONDS = {"anonymous": 600, "free": 1800, "paid": 7200}
"""How long one stream may last, by plan."""
LONGEST_SECONDS = max(SECONDS.values())


class Admission(NamedTuple):
    caller: Caller
    max_seconds: int


def issue(caller: Caller, max_seconds: int = LONGEST_SECONDS) -> tuple[StreamToken, str]:
    """The row and the plaintext. For an account's caller only; `max_seconds` of audio, or its plan's, the lesser."""
    if caller.user is None:
        raise ServiceError(ErrorCode.NOT_SIGNED_IN)
    token = tokens.new_token(KIND)
    row = StreamToken.objects.create(
        token_hash=token.hash,
        user=caller.user,
        api_key_id=caller.api_key_id,
        max_seconds=min(max_seconds, SECONDS[caller.plan.id]),
        expires_at=timezone.now() + LIFETIME,
    )
    return row, str(token)


def redeem(plaintext: str, ip: str) -> Admission:
    """Once: of all who come with the same token one gets in. The others, and who comes late, get INVALID_API_KEY."""
    token = tokens.parse(plaintext)
    if token is None or token.kind != KIND:
        raise _refused()
    now = timezone.now()
    fresh = StreamToken.objects.filter(token_hash=token.hash, used_at=None, expires_at__gt=now)
    if fresh.update(used_at=now) != 1:
        raise _refused()
    row = StreamToken.objects.select_related("user", "api_key__user").get(token_hash=token.hash)
    key = row.api_key
    caller = access.caller_with(key, ip) if key else Caller(row.user, None, ip, plans.plan_of(row.user))
    if not still_allowed(caller):
        raise _refused()
    return Admission(caller, row.max_seconds)


def still_allowed(caller: Caller) -> bool:
    """Whether what the caller came in with still stands: the key unrevoked and unexpired, the account open."""
    if caller.api_key_id is not None:
        return api_keys.still_usable(caller.api_key_id)
    return caller.user is None or User.objects.filter(pk=caller.user.pk, is_active=True).exists()


def purge() -> None:
    StreamToken.objects.filter(expires_at__lt=timezone.now() - LIFETIME).delete()


def _refused() -> ServiceError:
    message = "The stream token is unknown, used or older than a minute. Ask for a new one."
    return ServiceError(ErrorCode.INVALID_API_KEY, message)
