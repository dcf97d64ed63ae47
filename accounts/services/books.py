"""The double-entry core: accounts, entries, and the one way to move credits between them."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, AccountKind, Entry, Transfer
from accounts.models.ledger import HOUSE, HOUSE_KINDS, MAY_BE_NEGATIVE, NO_LOT

OPEN_ENTRY = """
INSERT INTO accounts_entry (idem_key, kind, owner_id, reference, actor, memo, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (idem_key) DO NOTHING RETURNING id
"""


class Overdraft(Exception):
    """An account that may not be negative would have become so. Nothing was written."""


class Movement(NamedTuple):
    source: int
    destination: int
    amount: int


def lock_owner(owner_id: int) -> int:
    """Makes the movements of one owner take turns until the end of the transaction. Returns what the owner owes."""
    debt = Account.objects.select_for_update().filter(owner_id=owner_id, kind=AccountKind.DEBT, lot_id=NO_LOT)
    balances = debt.values_list("balance", flat=True)
    if not (known := list(balances)):
        account(owner_id, AccountKind.DEBT)
        known = [balances.get()]
    return -known[0]


def account(owner_id: int, kind: AccountKind, lot_id: int = NO_LOT) -> int:
    found = Account.objects.filter(owner_id=owner_id, kind=kind, lot_id=lot_id)
    if (known := found.values_list("pk", flat=True).first()) is not None:
        return known
    # All of the house's at once, so that their ids, which are the order of locking, are the same in every database.
    kinds = HOUSE_KINDS if owner_id == HOUSE else (kind,)
    Account.objects.bulk_create(
        [Account(owner_id=owner_id, kind=one, lot_id=lot_id, allow_negative=one in MAY_BE_NEGATIVE) for one in kinds],
        ignore_conflicts=True,
    )
    return found.values_list("pk", flat=True).get()


def house(kind: AccountKind) -> int:
    return account(HOUSE, kind)


def open_entry(
    idem_key: str, kind: Entry.Kind, owner_id: int, reference: str = "", *, actor: str = "", memo: str = ""
) -> Entry | None:
    """None when this has happened before. Of two at the same moment, the second waits for the first one's commit."""
    values: list[str | int | datetime] = [idem_key, kind.value, owner_id, reference, actor, memo[:500], _now()]
    with connection.cursor() as cursor:
        cursor.execute(OPEN_ENTRY, values)
        row = cursor.fetchone()
    return Entry(pk=row[0], idem_key=idem_key, kind=kind, owner_id=owner_id, reference=reference) if row else None


def post(entry: Entry, movements: Sequence[Movement]) -> None:
    """Writes all of them, or fails the caller's transaction. Accounts are updated in ascending id, each by an UPDATE
    that refuses an overdraft."""
    changes: defaultdict[int, int] = defaultdict(int)
    for movement in movements:
        changes[movement.source] -= movement.amount
        changes[movement.destination] += movement.amount
    with transaction.atomic(savepoint=False):
        for account_id, change in sorted(changes.items()):
            covered = Q(allow_negative=True) | Q(balance__gte=-change)
            if not Account.objects.filter(covered, pk=account_id).update(balance=F("balance") + change):
                raise Overdraft(f"account {account_id} cannot give {-change} for {entry.idem_key}")
        Transfer.objects.bulk_create(
            Transfer(
                entry=entry,
                debit_account_id=movement.source,
                credit_account_id=movement.destination,
                amount=movement.amount,
            )
            for movement in movements
        )


def unique_reference(prefix: str) -> str:
    return f"{prefix}:{secrets.token_hex(8)}"


def _now() -> str | datetime:
    now = timezone.now()
    return connection.ops.adapt_datetimefield_value(now) or now
