"""What must be true of the ledger at every moment. Reads one snapshot and changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat

from accounts.models import Account, AccountKind, CreditLot, Entry, PaymentOrder, Reservation, ReservationLeg, Transfer
from accounts.models.ledger import HOUSE

NAMED_AT_MOST = 20
CLOSING = (Entry.Kind.SETTLE, Entry.Kind.RELEASE)


class Breach(NamedTuple):
    invariant: str
    detail: str


def audit() -> list[Breach]:
    """Empty when all holds. I8 and I9 speak of jobs and are checked where jobs are known."""
    with _snapshot():
        checks = (
            _sums_to_zero,
            _balances_are_their_transfers,
            _no_overdraft,
            _held_is_reserved,
            _one_closing_each,
            _revenue_is_charges,
            _lots_are_accounted_for,
            _purchases_are_paid_orders,
        )
        return [breach for check in checks for breach in check()]


def _sums_to_zero() -> Iterator[Breach]:
    if total := _sum(Account.objects.all(), "balance"):
        yield Breach("I1", f"all balances together are {total}, not 0")


def _balances_are_their_transfers() -> Iterator[Breach]:
    accounts = Account.objects.annotate(
        moved=_sum_of(Transfer.objects.filter(credit_account=OuterRef("pk")), "credit_account")
        - _sum_of(Transfer.objects.filter(debit_account=OuterRef("pk")), "debit_account")
    )
    for account in accounts.exclude(balance=F("moved"))[:NAMED_AT_MOST]:
        yield Breach("I2", f"account {account.pk} ({account}) should be {account.moved}")


def _no_overdraft() -> Iterator[Breach]:
    for account in Account.objects.filter(balance__lt=0, allow_negative=False)[:NAMED_AT_MOST]:
        yield Breach("I3", f"account {account.pk} ({account}) is overdrawn")


def _held_is_reserved() -> Iterator[Breach]:
    open_legs = ReservationLeg.objects.filter(reservation__state=Reservation.State.HELD)
    held = Account.objects.filter(kind=AccountKind.HELD)
    reserved = held.annotate(reserved=_sum_of(open_legs.filter(lot_id=OuterRef("lot_id")), "lot_id", "amount_mc"))
    for account in reserved.exclude(balance=F("reserved"))[:NAMED_AT_MOST]:
        yield Breach("I4", f"account {account.pk} ({account}) should hold {account.reserved}")
    in_all, of_all = _sum(held, "balance"), _sum(open_legs, "amount_mc")
    if in_all != of_all:
        yield Breach("I4", f"{in_all} are held and {of_all} are reserved")
    legs = _sum_of(ReservationLeg.objects.filter(reservation=OuterRef("pk")), "reservation", "amount_mc")
    for reservation in Reservation.objects.annotate(held=legs).exclude(amount_mc=F("held"))[:NAMED_AT_MOST]:
        yield Breach("I4", f"{reservation} is held by legs of {reservation.held}")


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


def _sum_of(rows: QuerySet[Any], group: str, field: str = "amount") -> Coalesce:
    """Of the rows that belong to each outer one."""
    return Coalesce(Subquery(rows.order_by().values(group).annotate(total=Sum(field)).values("total")), 0)


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
