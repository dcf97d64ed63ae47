"""An owner's credits as a statement: what came and went, newest first, with the balance after each line.

A hold moves nothing in or out, so it is no line; what it became, a charge or nothing, is one. The balance of a line
counts what is held, and what is owed counts against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.models import Entry, PaymentOrder, Transfer, User

INSIDE = (Entry.Kind.RESERVE, Entry.Kind.COVER_DEBT)
"""Entries that only move an owner's credits from one pocket to the other."""


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    at: datetime
    kind: Entry.Kind
    reference: str
    memo: str
    amount_mc: int
    balance_mc: int
    order: PaymentOrder | None


def lines(owner: User, count: int | None = None, before: int | None = None) -> list[Line]:
    """`before` is the id of a line; the ones that follow it are older."""
    found = _entries(owner.pk)
    if before is not None:
        found = found.filter(pk__lt=before)
    entries = list(found[:count] if count else found)
    orders = {order.reference: order for order in PaymentOrder.objects.filter(owner_id=owner.pk)}
    return list(_lines(entries, _balance_after(owner.pk, entries[0].pk) if entries else 0, orders))


def _lines(entries: list[Entry], balance: int, orders: dict[str, PaymentOrder]) -> Iterator[Line]:
    for entry in entries:
        moved = entry.came - entry.went  # type: ignore[attr-defined]
        kind = Entry.Kind(entry.kind)
        yield Line(
            entry.pk, entry.created_at, kind, entry.reference, entry.memo, moved, balance, orders.get(entry.reference)
        )
        balance -= moved


def _entries(owner_id: int) -> QuerySet[Entry]:
    mine = Entry.objects.filter(owner_id=owner_id).exclude(kind__in=INSIDE)
    # A hold of nothing is released without a transfer; a dispute that was won at once took nothing.
    told = Q(transfers__isnull=False) | Q(kind__in=(Entry.Kind.SETTLE, Entry.Kind.RELEASE))
    return mine.filter(told).annotate(came=_sum("credit_account"), went=_sum("debit_account")).order_by("-pk")


def _balance_after(owner_id: int, entry_id: int) -> int:
    until = Transfer.objects.filter(entry_id__lte=entry_id)
    came, went = (
        until.filter(**{f"{side}_account__owner_id": owner_id}).aggregate(total=Sum("amount"))["total"] or 0
        for side in ("credit", "debit")
    )
    return int(came - went)


def _sum(side: str) -> Coalesce:
    mine = Q(**{f"transfers__{side}__owner_id": F("owner_id")})
    return Coalesce(Sum("transfers__amount", filter=mine), 0)
