"""What an owner owes after a payment was taken back whose minutes were used: the one balance that may be negative.

Nothing new is begun while it is owed; what was accepted before runs to its end. Whatever paid credits come, bought,
granted or given back by work that ended, pay it first. The free minutes of a month do not.
"""

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account, AccountKind, CreditLot, Entry
from accounts.services import books
from accounts.services.books import Movement


def owed_mc(owner_id: int) -> int:
    debt = Account.objects.filter(owner_id=owner_id, kind=AccountKind.DEBT).values_list("balance", flat=True).first()
    return -(debt or 0)


def cover(owner_id: int) -> None:
    """Inside the owner's lock."""
    owed = books.lock_owner(owner_id)
    movements = list(take(owner_id, owed, books.account(owner_id, AccountKind.DEBT))) if owed else []
    if not movements:
        return
    entry = books.open_entry(books.unique_reference(f"debt:{owner_id}:cover"), Entry.Kind.COVER_DEBT, owner_id)
    assert entry is not None
    books.post(entry, movements)


def take(owner_id: int, amount_mc: int, destination: int, first: int | None = None) -> list[Movement]:
    """Out of what is paid and free to spend, at most `amount_mc`: the lot `first` before the others, oldest first."""
    movements = []
    lots = list(_paid(owner_id).order_by("lot_id"))
    for account in sorted(lots, key=lambda each: each.lot_id != first):
        if taken := min(account.balance, amount_mc):
            movements.append(Movement(account.pk, destination, taken))
            amount_mc -= taken
    return movements


def _paid(owner_id: int) -> QuerySet[Account]:
    lots = CreditLot.objects.filter(owner_id=owner_id, priority=CreditLot.PAID).exclude(expires_at__lte=timezone.now())
    return Account.objects.filter(
        owner_id=owner_id, kind=AccountKind.AVAILABLE, balance__gt=0, lot_id__in=lots.values("pk")
    )
