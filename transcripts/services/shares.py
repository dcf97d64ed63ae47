"""Links that show a transcript to whoever has them, until they end, are revoked, or their account does."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.signing import BadSignature, Signer
from django.db.models import F
from django.utils import timezone

from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from transcripts.models import Share, Transcript

DAYS = (7, 30, 90)
DEFAULT_DAYS = 30
MOST_LINKS = 50
"""Of one transcript."""
PASSWORD_LETTERS = (6, 128)
KEY_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Terms:
    """`days` None: for ever. An empty `password` asks for none."""

    text: bool = True
    audio: bool = True
    downloads: bool = False
    days: int | None = DEFAULT_DAYS
    password: str = ""


def create(transcript: Transcript, terms: Terms) -> Share:
    """Raises INVALID_REQUEST for terms that show nothing, CONFLICT beyond MOST_LINKS."""
    _check(terms)
    if transcript.shares.count() >= MOST_LINKS:
        message = f"This transcript has {MOST_LINKS} links already. Nothing was shared; revoke one first."
        raise ServiceError(ErrorCode.CONFLICT, message)
    return Share.objects.create(
        key=new_id(KEY_LENGTH),
        transcript=transcript,
        text=terms.text,
        audio=terms.audio,
        downloads=terms.downloads,
        password=make_password(terms.password) if terms.password else "",
        expires_at=None if terms.days is None else timezone.now() + timedelta(days=terms.days),
    )


def revoke(transcript: Transcript, key: str) -> bool:
    """False where the transcript has no such link (any more)."""
    return bool(key.isprintable() and transcript.shares.filter(key=key).delete()[0])


def count_view(share: Share) -> None:
    Share.objects.filter(pk=share.pk).update(views=F("views") + 1)


def opens(share: Share, password: str) -> bool:
    return check_password(password, share.password)


def token_of(share: Share) -> str:
    """What stands in the link (docs/decisions/0016): the key and 256 bits that only this server can write behind it."""
    return _signer().sign(share.key)


def key_of(token: str) -> str | None:
    """None for a token that this server never wrote. Asks no database."""
    try:
        return _signer().unsign(token)
    except BadSignature:
        return None


def _signer() -> Signer:
    return Signer(key=settings.API_KEY_PEPPER, sep=".", salt="transcripts.share")


def _check(terms: Terms) -> None:
    if not (terms.text or terms.audio):
        message = "A link shows the text, the recording, or both. Nothing was shared."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    if terms.days is not None and terms.days not in DAYS:
        message = f"A link lasts {', '.join(map(str, DAYS))} days, or for ever. Nothing was shared."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    least, most = PASSWORD_LETTERS
    if terms.password and not least <= len(terms.password) <= most:
        message = f"A link's password has {least} to {most} characters. Nothing was shared."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
