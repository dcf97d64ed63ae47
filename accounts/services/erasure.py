"""Closing an account for good. What belongs to it elsewhere is erased in between, by whoever knows it:

    close ──▶ everything of the owner's goes ──▶ forget

`close` stops everything at once; `forget` removes the last row. What the ledger says of the owner's number stays.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import ConcurrencySlot, Mail, StreamToken, User
from accounts.services import checkout
from stt_site.lib.errors import ErrorCode, ServiceError


def close(user: User) -> None:
    """Nobody gets in any more, by password, session or key, and the row says nothing of a person. The address is free
    for a new account. Raises CONFLICT for the only administrator, PAYMENT_UNAVAILABLE where a subscription stays."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        message = "You are the only administrator. Make somebody else one first. Nothing was deleted."
        raise ServiceError(ErrorCode.CONFLICT, message)
    checkout.end_subscriptions(user)
    _shut(user)


@transaction.atomic
def _shut(user: User) -> None:
    account = User.objects.select_for_update().get(pk=user.pk)
    if account.erasing_since is not None:
        return
    account.api_keys.all().delete()
    StreamToken.objects.filter(user=account).delete()
    Mail.objects.filter(user=account).delete()
    sessions = UserSession.objects.filter(user=account)
    Session.objects.filter(session_key__in=list(sessions.values_list("session_key", flat=True))).delete()
    sessions.delete()
    Authenticator.objects.filter(user=account).delete()
    _forget_in_log(account)
    EmailAddress.objects.filter(user=account).delete()
    User.objects.filter(pk=account.pk).update(
        email=f"erased-{account.pk}@account.invalid",
        name="",
        password=make_password(None),
        is_active=False,
        is_staff=False,
        is_superuser=False,
        erasing_since=timezone.now(),
    )


def waiting() -> list[int]:
    """Accounts that are closed and not yet forgotten, the longest first."""
    return list(User.objects.exclude(erasing_since=None).order_by("erasing_since").values_list("pk", flat=True))


@transaction.atomic
def forget(owner_id: int) -> None:
    """Whoever calls this has erased all that other tables and the storage had of the owner."""
    ConcurrencySlot.objects.filter(caller=f"user:{owner_id}").delete()
    User.objects.filter(pk=owner_id).exclude(erasing_since=None).delete()


def _forget_in_log(account: User) -> None:
    """The administrators' log writes down what things were called."""
    for address in {account.email, *EmailAddress.objects.filter(user=account).values_list("email", flat=True)}:
        LogEntry.objects.filter(object_repr__icontains=address).update(object_repr=f"account {account.pk}")
        LogEntry.objects.filter(change_message__icontains=address).update(change_message="")
    LogEntry.objects.filter(user=account).delete()
