"""What a key may do, and that no key makes one that may do more than itself."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.models import ApiKey
from stt_site.lib.errors import ErrorCode, ServiceError

SCOPES = ("transcribe", "read", "write", "delete", "stream", "keys:write", "billing:read", "webhooks")
DEFAULT_SCOPES = ("transcribe", "read", "write", "delete", "stream")
LARGEST_CAP = 10_000_000
"""Minutes."""


@dataclass(frozen=True, slots=True)
class Powers:
    """`family`: whose spending `monthly_minutes` bounds; empty for a key that begins its own."""

    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    mode: str = ApiKey.Mode.LIVE
    monthly_minutes: int | None = None
    family: str = ""

    @classmethod
    def of(cls, key: ApiKey) -> "Powers":
        return cls(tuple(key.scopes), key.expires_at, key.mode, key.monthly_minutes, key.family)

    @classmethod
    def checked(
        cls, scopes: Iterable[str], expires_at: datetime | None, mode: str, monthly_minutes: int | None, family: str
    ) -> "Powers":
        """Raises INVALID_REQUEST for what no key can have."""
        granted = tuple(dict.fromkeys(scopes))
        if not granted or any(scope not in SCOPES for scope in granted):
            raise ServiceError(ErrorCode.INVALID_REQUEST, f"A key's scopes are some of {', '.join(SCOPES)}.")
        if mode not in ApiKey.Mode:
            raise ServiceError(ErrorCode.INVALID_REQUEST, "A key's mode is live or test.")
        if monthly_minutes is not None and not 1 <= monthly_minutes <= LARGEST_CAP:
            message = f"A key's monthly minutes are a whole number from 1 to {LARGEST_CAP}."
            raise ServiceError(ErrorCode.INVALID_REQUEST, message)
        return cls(granted, expires_at, mode, monthly_minutes, family)


def grant(
    api_key_id: int | None,
    scopes: Iterable[str] | None,
    expires_at: datetime | None,
    mode: str,
    monthly_minutes: int | None,
) -> Powers:
    """What the caller may give a new key: all that is asked for, or MISSING_SCOPE. What is not said is the caller's
    own limit, and a key that a capped one makes spends from the same cap. None is a person, who may do all."""
    if api_key_id is None:
        return Powers.checked(DEFAULT_SCOPES if scopes is None else scopes, expires_at, mode, monthly_minutes, "")
    own = Powers.of(ApiKey.objects.get(pk=api_key_id))
    if scopes is None:
        scopes = [scope for scope in DEFAULT_SCOPES if scope in own.scopes]
    wanted = Powers.checked(scopes, expires_at or own.expires_at, mode, monthly_minutes, "")
    if own.monthly_minutes is not None:
        wanted = replace(wanted, monthly_minutes=monthly_minutes or own.monthly_minutes, family=own.family)
    require_no_more(wanted, own)
    return wanted


def may_roll(api_key_id: int | None, key: ApiKey) -> None:
    """Raises MISSING_SCOPE: whoever rolls a key holds its successor."""
    if api_key_id is not None:
        require_no_more(Powers.of(key), Powers.of(ApiKey.objects.get(pk=api_key_id)))


def require_no_more(wanted: Powers, own: Powers) -> None:
    if excess := [scope for scope in wanted.scopes if scope not in own.scopes]:
        raise _too_much(f"the scopes {', '.join(excess)}")
    if own.mode == ApiKey.Mode.TEST and wanted.mode != own.mode:
        raise _too_much("live mode")
    if own.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > own.expires_at):
        raise _too_much("a later end")
    if own.monthly_minutes is not None:
        larger = wanted.monthly_minutes is None or wanted.monthly_minutes > own.monthly_minutes
        if larger or wanted.family != own.family:
            raise _too_much("more minutes a month")


def _too_much(what: str) -> ServiceError:
    message = f"This API key cannot give what it lacks: {what}. No key was made."
    return ServiceError(ErrorCode.MISSING_SCOPE, message)
