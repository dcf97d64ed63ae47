"""Double-entry accounts in integer millicredits: 1 credit = 1 minute of audio = 1000 millicredits.

An entry is one thing that happened, its transfers are what moved. Both are append-only, held by database triggers;
balances are sums kept at hand. Owners are plain numbers, not foreign keys: the books outlive the account they speak of.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

HOUSE = 0
NO_LOT = 0


class AccountKind(models.TextChoices):
    # An owner's, one pair for each lot, and one debt.
    AVAILABLE = "available"
    HELD = "held"
    DEBT = "debt"
    # The house's, one of each.
    GRANTS = "grants"
    PURCHASES = "purchases"
    REVENUE = "revenue"
    EXPIRED = "expired"
    REFUNDS = "refunds"
    ADJUST = "adjust"


HOUSE_KINDS = (
    AccountKind.GRANTS,
    AccountKind.PURCHASES,
    AccountKind.REVENUE,
    AccountKind.EXPIRED,
    AccountKind.REFUNDS,
    AccountKind.ADJUST,
)
MAY_BE_NEGATIVE = (AccountKind.GRANTS, AccountKind.PURCHASES, AccountKind.ADJUST, AccountKind.DEBT)


class CreditLot(models.Model):
    """Credits that came together and end together. Lots of a lower priority are spent first."""

    FREE = 0
    PAID = 1

    owner_id = models.BigIntegerField()
    source = models.CharField(max_length=16)
    reference = models.CharField("what made it, such as free:2026-11", max_length=200)
    granted_mc = models.BigIntegerField()
    priority = models.PositiveSmallIntegerField(choices=[(FREE, "free"), (PAID, "paid")])
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner_id", "reference"], name="one_lot_a_reference"),
            models.CheckConstraint(condition=Q(granted_mc__gt=0), name="lot_grants_something"),
        ]

    def __str__(self) -> str:
        return f"lot {self.pk} {self.reference} of {self.owner_id}"


class Account(models.Model):
    owner_id = models.BigIntegerField("a user's id, or 0 for the house", default=HOUSE)
    kind = models.CharField(max_length=9, choices=AccountKind)
    # 0 and not NULL: NULLs are distinct from each other in a unique index.
    lot_id = models.BigIntegerField("a credit lot's id, or 0", default=NO_LOT)
    balance = models.BigIntegerField(default=0)
    allow_negative = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner_id", "kind", "lot_id"], name="one_account_a_purpose"),
            models.CheckConstraint(condition=Q(allow_negative=True) | Q(balance__gte=0), name="no_overdraft"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner_id}/{self.lot_id}: {self.balance}"


class Entry(models.Model):
    class Kind(models.TextChoices):
        FREE_MONTH = "free_month"
        GRANT = "grant"
        EXPIRE = "expire"
        RESERVE = "reserve"
        SETTLE = "settle"
        RELEASE = "release"
        PURCHASE = "purchase"
        REFUND = "refund"
        DISPUTE = "dispute"
        GIVE_BACK = "give_back"
        COVER_DEBT = "cover_debt"

    idem_key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    owner_id = models.BigIntegerField(db_index=True)
    reference = models.CharField("what it paid for, such as job:12", max_length=100, blank=True)
    actor = models.CharField(max_length=254, blank=True)
    memo = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return self.idem_key


class Transfer(models.Model):
    """Credits leave one account and reach the other in one row, so an unbalanced entry cannot be written."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="transfers")
    debit_account = models.ForeignKey(Account, models.PROTECT, related_name="debits")
    credit_account = models.ForeignKey(Account, models.PROTECT, related_name="credits")
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_moves_something"),
            models.CheckConstraint(condition=~Q(debit_account=F("credit_account")), name="transfer_has_two_sides"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} from {self.debit_account_id} to {self.credit_account_id}"


class Reservation(models.Model):
    """A hold for work not done yet. Closed once, by settling or by releasing, whichever comes first.

    What it says about the work is a copy: keys and transcripts may be deleted, what they cost stays explained.
    """

    class State(models.TextChoices):
        HELD = "held"
        SETTLED = "settled"
        RELEASED = "released"

    class Source(models.TextChoices):
        WEB = "web"
        API = "api"
        LIVE = "live"

    reference = models.CharField(primary_key=True, max_length=100)
    owner_id = models.BigIntegerField()
    amount_mc = models.BigIntegerField()
    charged_mc = models.BigIntegerField(default=0)
    source = models.CharField(max_length=4, choices=Source, blank=True)
    api_key_id = models.BigIntegerField("the API key that asked, none for the pages", null=True)
    paid_for = models.CharField("the public name of the result, such as tr_8f2k1", max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.HELD)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["owner_id", "closed_at"]),
            models.Index(fields=["api_key_id", "created_at"]),
            models.Index(fields=["created_at"], name="open_reservations", condition=Q(state="held")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_mc__gte=0), name="reservation_not_negative"),
            models.CheckConstraint(
                condition=Q(charged_mc__gte=0) & Q(charged_mc__lte=F("amount_mc")), name="charge_within_reservation"
            ),
            models.CheckConstraint(condition=Q(state__in=["held", "settled", "released"]), name="reservation_state"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.state} {self.charged_mc}/{self.amount_mc}"


class ReservationLeg(models.Model):
    reservation = models.ForeignKey(Reservation, models.PROTECT, related_name="legs")
    lot = models.ForeignKey(CreditLot, models.PROTECT, related_name="legs")
    amount_mc = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reservation", "lot"], name="one_leg_a_lot"),
            models.CheckConstraint(condition=Q(amount_mc__gt=0), name="leg_holds_something"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_mc} of lot {self.lot_id} for {self.reservation_id}"


class LedgerCheck(models.Model):
    """One row: when the ledger was last audited and what was wrong. `broken` keeps new paid work out."""

    ONLY = 1

    next_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)
    broken = models.BooleanField(default=False)
    breaches = models.JSONField("sentences", default=list)

    def __str__(self) -> str:
        return f"{'broken' if self.broken else 'sound'} at {self.checked_at}"
