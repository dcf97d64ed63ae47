"""What an owner has to spend, lot by lot. Two plain statements: each request asks, most of them twice."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from accounts.models import Account, AccountKind, CreditLot
from accounts.services import months

MILLICREDITS = 1000


class Pocket(NamedTuple):
    """What is left of a lot, with the account that has it."""

    lot: CreditLot
    account: Account


@dataclass(frozen=True, slots=True)
class Purse:
    living: tuple[Pocket, ...]
    """In the order of spending."""
    ended: tuple[Pocket, ...]
    """What their lots had left when they ended, not taken back yet."""
    month_to_come_mc: int
    """This month's free minutes as long as nothing has been spent of them."""

    @property
    def free_mc(self) -> int:
        return self.sum_mc(CreditLot.FREE) + self.month_to_come_mc

    def sum_mc(self, priority: int) -> int:
        return sum(pocket.account.balance for pocket in self.living if pocket.lot.priority == priority)


def look(owner_id: int, now: datetime) -> Purse:
    filled = Account.objects.filter(owner_id=owner_id, kind=AccountKind.AVAILABLE, balance__gt=0)
    accounts = {account.lot_id: account for account in filled.order_by("pk")}
    month = months.reference(now)
    lots = list(CreditLot.objects.filter(Q(pk__in=accounts) | Q(reference=month), owner_id=owner_id))
    pockets = [Pocket(lot, accounts[lot.pk]) for lot in sorted(lots, key=_order) if lot.pk in accounts]
    ended = [pocket for pocket in pockets if pocket.lot.expires_at is not None and pocket.lot.expires_at <= now]
    begun = any(lot.reference == month for lot in lots)
    return Purse(
        living=tuple(pocket for pocket in pockets if pocket not in ended),
        ended=tuple(ended),
        month_to_come_mc=0 if begun else settings.FREE_MINUTES_PER_MONTH * MILLICREDITS,
    )


def _order(lot: CreditLot) -> tuple[int, datetime, int]:
    return lot.priority, lot.expires_at or datetime.max.replace(tzinfo=UTC), lot.pk
