"""Money coming in and going back, in the ledger: one entry a payment, one a refund or dispute, however often told.

The keys are Stripe's own names (`stripe:pi:…`, `stripe:re:…`, `stripe:dp:…`), so that it does not matter which of its
events speaks first, or how many do. The amounts are those of our own order row.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from accounts.models import Account, AccountKind, CreditLot, Entry, PaymentOrder, Transfer
from accounts.services import books, debts
from accounts.services.books import Movement


class PaidTwice(Exception):
    """An order has one payment, and this is another."""


def credit(order: PaymentOrder, payment_intent: str, ends_at: datetime | None = None) -> bool:
    """The minutes of an order that was paid. False when that payment was counted before."""
    with transaction.atomic():
        owed = books.lock_owner(order.owner_id)
        entry = books.open_entry(
            f"stripe:pi:{payment_intent}", Entry.Kind.PURCHASE, order.owner_id, order.reference, memo=order.name
        )
        if entry is None:
            return False
        unpaid = PaymentOrder.objects.filter(pk=order.pk).exclude(state=PaymentOrder.State.PAID)
        if not unpaid.update(
            state=PaymentOrder.State.PAID, payment_intent=payment_intent, paid_at=timezone.now(), reason=""
        ):
            raise PaidTwice(f"Order {order.key} was paid before; {payment_intent} is a second payment for it.")
        lot = CreditLot.objects.create(
            owner_id=order.owner_id,
            source="purchase",
            reference=_lot_reference(payment_intent),
            granted_mc=order.amount_mc,
            priority=CreditLot.PAID,
            expires_at=ends_at,
        )
        available = books.account(order.owner_id, AccountKind.AVAILABLE, lot.pk)
        books.post(entry, [Movement(books.house(AccountKind.PURCHASES), available, lot.granted_mc)])
        if owed:
            debts.cover(order.owner_id)
        return True


def take_back(payment_intent: str, key: str, kind: Entry.Kind, amount_minor: int) -> bool:
    """The minutes of a payment that went back, wholly or in part: from what is left, and the rest is owed.

    Minutes that had ended unused are nobody's any more; they are not asked back. False when it was done before.
    """
    with transaction.atomic():
        order = _paid_order(payment_intent)
        books.lock_owner(order.owner_id)
        entry = books.open_entry(key, kind, order.owner_id, order.reference, memo=order.name)
        if entry is None:
            return False
        order.refresh_from_db()
        refunded = min(order.amount_minor, order.refunded_minor + amount_minor)
        lot = CreditLot.objects.get(owner_id=order.owner_id, reference=_lot_reference(payment_intent))
        amount_mc = min(
            _share(order, refunded) - _share(order, order.refunded_minor),
            order.amount_mc - order.taken_back_mc - _ended_mc(lot),
        )
        movements = list(_taken(order.owner_id, max(amount_mc, 0), lot))
        books.post(entry, movements)
        PaymentOrder.objects.filter(pk=order.pk).update(
            refunded_minor=refunded, taken_back_mc=F("taken_back_mc") + sum(each.amount for each in movements)
        )
        return True


def give_back(payment_intent: str, key: str, kind: Entry.Kind, amount_minor: int) -> bool:
    """A refund that failed, a dispute that was won: what was taken under `key` returns. Where nothing was taken yet,
    nothing will be."""
    with transaction.atomic():
        order = _paid_order(payment_intent)
        books.lock_owner(order.owner_id)
        if books.open_entry(key, kind, order.owner_id, order.reference, memo=order.name):
            return False
        entry = books.open_entry(f"{key}:back", Entry.Kind.GIVE_BACK, order.owner_id, order.reference, memo=order.name)
        if entry is None:
            return False
        movements = list(_returned(order, Entry.objects.get(idem_key=key)))
        books.post(entry, movements)
        order.refresh_from_db()
        PaymentOrder.objects.filter(pk=order.pk).update(
            refunded_minor=max(0, order.refunded_minor - amount_minor),
            taken_back_mc=F("taken_back_mc") - sum(each.amount for each in movements),
        )
        debts.cover(order.owner_id)
        return True


def _taken(owner_id: int, amount_mc: int, lot: CreditLot) -> Iterator[Movement]:
    refunds = books.house(AccountKind.REFUNDS)
    from_lots = debts.take(owner_id, amount_mc, refunds, first=lot.pk)
    yield from from_lots
    if owed := amount_mc - sum(each.amount for each in from_lots):
        yield Movement(books.account(owner_id, AccountKind.DEBT), refunds, owed)


def _returned(order: PaymentOrder, taken: Entry) -> Iterator[Movement]:
    """To where it came from. What had become a debt that was paid since goes to the order's own minutes."""
    refunds = books.house(AccountKind.REFUNDS)
    owed = debts.owed_mc(order.owner_id)
    own = CreditLot.objects.get(owner_id=order.owner_id, reference=_lot_reference(order.payment_intent or ""))
    for transfer in taken.transfers.select_related("debit_account").order_by("pk"):
        lot, amount = own, transfer.amount
        if transfer.debit_account.kind == AccountKind.DEBT:
            if still := min(owed, amount):
                yield Movement(refunds, transfer.debit_account_id, still)
            amount -= still
        else:
            lot = CreditLot.objects.get(pk=transfer.debit_account.lot_id)
        if amount:
            yield Movement(refunds, _home(lot), amount)


def _home(lot: CreditLot) -> int:
    if lot.expires_at is not None and lot.expires_at <= timezone.now():
        return books.house(AccountKind.EXPIRED)
    return books.account(lot.owner_id, AccountKind.AVAILABLE, lot.pk)


def _paid_order(payment_intent: str) -> PaymentOrder:
    return PaymentOrder.objects.get(payment_intent=payment_intent, state=PaymentOrder.State.PAID)


def _share(order: PaymentOrder, refunded_minor: int) -> int:
    """Of the minutes, what a part of the price stands for. Parts that make up the whole are the whole."""
    return order.amount_mc * refunded_minor // order.amount_minor


def _ended_mc(lot: CreditLot) -> int:
    """What of it ended unused, swept up already or not."""
    ended = Transfer.objects.filter(
        debit_account__owner_id=lot.owner_id,
        debit_account__lot_id=lot.pk,
        credit_account=books.house(AccountKind.EXPIRED),
    ).aggregate(total=Sum("amount"))["total"]
    if lot.expires_at is None or lot.expires_at > timezone.now():
        return int(ended or 0)
    left = Account.objects.filter(owner_id=lot.owner_id, lot_id=lot.pk).aggregate(total=Sum("balance"))["total"]
    return int(ended or 0) + int(left or 0)


def _lot_reference(payment_intent: str) -> str:
    return f"stripe:pi:{payment_intent}"
