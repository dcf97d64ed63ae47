"""What must be true of the ledger at every moment. Reads one snapshot and changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Sum, Value
from django.db.models.functions import Concat

from accounts.models import Account, AccountKind, CreditLot, Entry, PaymentOrder, Reservation, ReservationLeg
from accounts.models.ledger import HOUSE, MAY_BE_NEGATIVE

NAMED_AT_MOST = 20
UNLIKE_THEIR_TRANSFERS = """
SELECT account.id, COALESCE(moved.total, 0)
FROM accounts_account AS account
LEFT JOIN (
    SELECT id, SUM(change) AS total
    FROM (
        SELECT credit_account_id AS id, amount AS change FROM accounts_transfer
        UNION ALL
        SELECT debit_account_id, -amount FROM accounts_transfer
    ) AS side
    GROUP BY id
) AS moved ON moved.id = account.id
WHERE account.balance <> COALESCE(moved.total, 0)
ORDER BY account.id LIMIT %s
"""
"""One pass over the transfers. By account, it would be a million steps for the house's alone."""
CLOSING = (Entry.Kind.SETTLE, Entry.Kind.RELEASE)


class Breach(NamedTuple):
    invariant: str
    detail: str


Check = Callable[[], Iterator[Breach]]


def audit(*more: Check) -> list[Breach]:
    """Empty when all holds. `more` are checks of those who know what the credits were spent on (I8, I9); they see the
    same moment."""
    checks: tuple[Check, ...] = (
        _sums_to_zero,
        _balances_are_their_transfers,
        _no_overdraft,
        _held_is_reserved,
        _one_closing_each,
        _revenue_is_charges,
        _lots_are_accounted_for,
        _purchases_are_paid_orders,
        *more,
    )
    with _snapshot():
        return [breach for check in checks for breach in check()]


def _sums_to_zero() -> Iterator[Breach]:
    if total := _sum(Account.objects.all(), "balance"):
        yield Breach("I1", f"all balances together are {total}, not 0")


def _balances_are_their_transfers() -> Iterator[Breach]:
    with connection.cursor() as cursor:
        cursor.execute(UNLIKE_THEIR_TRANSFERS, [NAMED_AT_MOST])
        moved = dict(cursor.fetchall())
    for account in Account.objects.filter(pk__in=moved).order_by("pk"):
        yield Breach("I2", f"account {account.pk} ({account}) should be {moved[account.pk]}")


def _no_overdraft() -> Iterator[Breach]:
    overdrawn = Account.objects.filter(balance__lt=0).exclude(kind__in=MAY_BE_NEGATIVE)
    for account in overdrawn.order_by("pk")[:NAMED_AT_MOST]:
        yield Breach("I3", f"account {account.pk} ({account}) is overdrawn")


def _held_is_reserved() -> Iterator[Breach]:
    """Lot by lot and hold by hold of what is open, which is little however long the books are; the rest as a sum."""
    accounts = Account.objects.filter(kind=AccountKind.HELD).exclude(balance=0)
    held = dict(accounts.values_list("lot_id", "balance"))
    by_lot: Counter[int] = Counter()
    missing: Counter[str] = Counter()
    open_legs = Reservation.objects.filter(state=Reservation.State.HELD).order_by("reference")
    for reference, amount, lot, leg in open_legs.values_list(
        "reference", "amount_mc", "legs__lot_id", "legs__amount_mc"
    ):
        missing[reference] += (0 if reference in missing else amount) - (leg or 0)
        by_lot[lot] += leg or 0
    lots = [lot for lot in sorted(held.keys() | +by_lot) if held.get(lot, 0) != by_lot[lot]]
    for lot in lots[:NAMED_AT_MOST]:
        yield Breach("I4", f"of lot {lot}, {held.get(lot, 0)} are held and {by_lot[lot]} are reserved")
    for reference in [reference for reference, rest in missing.items() if rest][:NAMED_AT_MOST]:
        yield Breach("I4", f"{reference} holds {missing[reference]} more than its legs")
    in_all, of_all = _sum(Reservation.objects.all(), "amount_mc"), _sum(ReservationLeg.objects.all(), "amount_mc")
    if in_all != of_all:
        yield Breach("I4", f"{in_all} were reserved in all, by legs of {of_all}")


def _one_closing_each() -> Iterator[Breach]:
    """A second closing entry is impossible by its unique key; what can be wrong is one too few or out of place."""
    closing = Entry.objects.filter(idem_key=Concat(OuterRef("reference"), Value(":close")), kind__in=CLOSING)
    reservations = Reservation.objects.annotate(has_closing=Exists(closing))
    held = Reservation.State.HELD
    for reservation in reservations.filter(state=held, has_closing=True)[:NAMED_AT_MOST]:
        yield Breach("I5", f"{reservation} is open and has a closing entry")
    for reservation in reservations.exclude(state=held).filter(has_closing=False)[:NAMED_AT_MOST]:
        yield Breach("I5", f"{reservation} is closed without an entry")
    known = Reservation.objects.filter(reference=OuterRef("reference"))
    for entry in Entry.objects.filter(kind__in=CLOSING).exclude(Exists(known))[:NAMED_AT_MOST]:
        yield Breach("I5", f"entry {entry} closes nothing")


def _revenue_is_charges() -> Iterator[Breach]:
    revenue = _sum(Account.objects.filter(owner_id=HOUSE, kind=AccountKind.REVENUE), "balance")
    charged = _sum(Reservation.objects.all(), "charged_mc")
    if revenue != charged:
        yield Breach("I6", f"revenue is {revenue} and {charged} were charged")


def _lots_are_accounted_for() -> Iterator[Breach]:
    sources = Account.objects.filter(owner_id=HOUSE, kind__in=(AccountKind.GRANTS, AccountKind.PURCHASES))
    given, granted = -_sum(sources, "balance"), _sum(CreditLot.objects.all(), "granted_mc")
    if given != granted:
        yield Breach("I7", f"{given} were given out and the lots are of {granted}")


def _purchases_are_paid_orders() -> Iterator[Breach]:
    paid = PaymentOrder.objects.filter(state=PaymentOrder.State.PAID)
    for kind, sign, field, what in (
        (AccountKind.PURCHASES, -1, "amount_mc", "paid orders are for"),
        (AccountKind.REFUNDS, 1, "taken_back_mc", "refunds and disputes took back"),
    ):
        moved = sign * _sum(Account.objects.filter(owner_id=HOUSE, kind=kind), "balance")
        ordered = _sum(paid, field)
        if moved != ordered:
            yield Breach("I7", f"{kind.value} have moved {moved} and {what} {ordered}")


def _sum(rows: QuerySet[Any], field: str) -> int:
    return int(rows.aggregate(total=Sum(field))["total"] or 0)


@contextmanager
def _snapshot() -> Iterator[None]:
    """All checks see one moment, and on SQLite no writer waits for them. Inside a transaction, that one must do."""
    if connection.in_atomic_block:
        yield
        return
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else "BEGIN DEFERRED"
    with connection.cursor() as cursor:
        cursor.execute(begin)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
