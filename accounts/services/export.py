"""What the accounts' tables say of one owner, for that owner to take away."""

from collections.abc import Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from accounts.models import Account, AccountKind, Entry, User
from accounts.services import api_keys, ledger

PAGE = 500
LEDGER_COLUMNS = ("time", "kind", "reference", "note", "credits", "held")


def account_data(user: User) -> dict[str, Any]:
    """Of secrets only that there are some: what is stored of them opens nothing."""
    balance = ledger.balance(user)
    sessions = UserSession.objects.filter(user=user)
    return {
        "id": user.pk,
        "email": user.email,
        "addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "name": user.name,
        "joined": user.date_joined,
        "last_signed_in": user.last_login,
        "keep_recordings_days": user.keep_recordings_days,
        "messages": {
            "product_updates": user.mail_product_updates,
            "transcript_ready": user.mail_transcript_ready,
            "low_credits": user.mail_low_credits,
        },
        "credits_left": ledger.credits_text(balance.available_mc),
        "second_factor": list(Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")),
        "sessions": list(sessions.values("user_agent", "ip", "created_at", "last_seen_at")),
        "api_keys": [
            {
                "name": key.name,
                "key": key.display,
                "scopes": key.scopes,
                "created": key.created_at,
                "last_used": key.last_used_at,
                "expires": key.expires_at,
                "revoked": key.revoked_at,
            }
            for key in api_keys.keys_of(user)
        ],
    }


def ledger_rows(owner: User) -> Iterator[list[str]]:
    """Oldest first; the last two columns are what the entry moved into (or, below zero, out of) the owner's credits."""
    entries = Entry.objects.filter(owner_id=owner.pk).order_by("pk")
    accounts = dict(
        Account.objects.filter(owner_id=owner.pk, kind__in=(AccountKind.AVAILABLE, AccountKind.HELD)).values_list(
            "pk", "kind"
        )
    )
    last = 0
    while page := list(entries.filter(pk__gt=last).prefetch_related("transfers")[:PAGE]):
        last = page[-1].pk
        yield from (_row(entry, accounts) for entry in page)


def _row(entry: Entry, accounts: dict[int, str]) -> list[str]:
    moved = {AccountKind.AVAILABLE.value: 0, AccountKind.HELD.value: 0}
    for transfer in entry.transfers.all():
        if into := accounts.get(transfer.credit_account_id):
            moved[into] += transfer.amount
        if out_of := accounts.get(transfer.debit_account_id):
            moved[out_of] -= transfer.amount
    # A spreadsheet would take a note that begins so for a formula.
    note = f"'{entry.memo}" if entry.memo.startswith(("=", "+", "-", "@", "\t", "\r")) else entry.memo
    amounts = [ledger.credits_text(amount).replace(",", "") for amount in moved.values()]
    return [entry.created_at.isoformat(), entry.kind, entry.reference, note, *amounts]
