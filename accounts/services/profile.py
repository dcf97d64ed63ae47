from typing import TypedDict, Unpack

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession

from accounts.models import User


class Changes(TypedDict, total=False):
    name: str
    mail_product_updates: bool
    mail_transcript_ready: bool
    mail_low_credits: bool
    keep_recordings_days: int | None


def change(user: User, **changes: Unpack[Changes]) -> None:
    """Writes these columns and no others: another request may be writing its own."""
    if changes:
        User.objects.filter(pk=user.pk).update(**changes)
        user.refresh_from_db()


def unconfirmed(user: User) -> str:
    """The address that the user signs in with, if nobody has shown that it is theirs; else nothing."""
    waiting = EmailAddress.objects.filter(user=user, primary=True, verified=False).first()
    return str(waiting.email) if waiting else ""


def suspend(user: User) -> None:
    """Sessions and keys are refused from the next request on. Work that runs may end; new work is refused."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    for session in UserSession.objects.filter(user=user):
        session.end()


def reinstate(user: User) -> bool:
    """False: it was not suspended, or it is being erased."""
    return bool(User.objects.filter(pk=user.pk, is_active=False, erasing_since=None).update(is_active=True))
