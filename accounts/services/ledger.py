"""Spending credits: a hold when work is accepted, one closing entry when it ends.

Amounts are integer millicredits; 1 credit = 1 minute of audio = 1000. Each function is one unit of work that joins the
caller's transaction, so a hold and the job it pays for commit together. A reference such as "job:12" names the work.

Nothing is decided by a value that was read: every movement is an UPDATE that refuses to overdraw, and an entry's unique
key makes each step happen once. The owner's debt account is locked first, which keeps two movements of one owner from
waiting for each other crosswise; house accounts are reached in ascending order. Close one piece of work a transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Account, AccountKind, CreditLot, Entry, Reservation, ReservationLeg, User
from accounts.services import books, debts, months, purses, soundness
from accounts.services.books import Movement, Overdraft
from accounts.services.purses import MILLICREDITS as MILLICREDITS
from accounts.services.purses import Purse
from stt_site.lib.errors import ErrorCode, ServiceError


@dataclass(frozen=True)
class Balance:
    available_mc: int
    free_mc: int
    paid_mc: int
    held_mc: int
    used_this_month_mc: int
    renews_at: datetime
    owed_mc: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a hold is for, in words that outlive the work: its door, its key, the result's public name."""

    source: str = ""
    api_key_id: int | None = None
    paid_for: str = ""


NAMELESS = Work()


class Leg(NamedTuple):
    """What a hold takes out of one lot, by the account that has it to spend."""

    account: Account
    amount: int


def reserve(owner: User, reference: str, amount_mc: int, work: Work = NAMELESS) -> None:
    """Holds credits, those that end soonest first. A second call for the same reference changes nothing."""
    if amount_mc < 0:
        raise ValueError(f"{amount_mc} millicredits cannot be held.")
    soundness.require_sound()
    with transaction.atomic():
        owed = books.lock_owner(owner.pk)
        now = timezone.now()
        purse = _renewed(owner.pk, now)
        entry = books.open_entry(f"{reference}:reserve", Entry.Kind.RESERVE, owner.pk, reference)
        if entry is None:
            return
        if owed and amount_mc:
            raise frozen(owed)
        legs = _choose_lots(purse, amount_mc)
        Reservation.objects.create(
            reference=reference,
            owner_id=owner.pk,
            amount_mc=amount_mc,
            source=work.source,
            api_key_id=work.api_key_id,
            paid_for=work.paid_for,
        )
        ReservationLeg.objects.bulk_create(
            ReservationLeg(reservation_id=reference, lot_id=leg.account.lot_id, amount_mc=leg.amount) for leg in legs
        )
        try:
            books.post(entry, [_to_held(owner.pk, leg) for leg in legs])
        except Overdraft as overdraft:
            raise ServiceError(ErrorCode.INSUFFICIENT_CREDITS) from overdraft


def settle(reference: str, actual_mc: int) -> int:
    """Charges min(actual, held) and gives the rest back. Returns what was charged, also when it was closed before."""
    if actual_mc < 0:
        raise ValueError(f"{actual_mc} millicredits cannot be charged.")
    return _close(reference, Entry.Kind.SETTLE, Reservation.State.SETTLED, actual_mc)


def release(reference: str) -> None:
    """Gives everything back. Where nothing was held, or it is closed already, there is nothing to do."""
    if Reservation.objects.filter(reference=reference).exists():
        _close(reference, Entry.Kind.RELEASE, Reservation.State.RELEASED, 0)


def undo(reference: str, reason: str) -> int:
    """Gives a charge back to the lots that it came from. Returns how much; 0 where nothing was charged, or it was given
    back before."""
    if not reason.strip():
        raise ValueError("What is given back needs a reason.")
    with transaction.atomic():
        reservation = Reservation.objects.filter(reference=reference).first()
        if reservation is None:
            return 0
        owed = books.lock_owner(reservation.owner_id)
        reservation.refresh_from_db()
        if not reservation.charged_mc:
            return 0
        entry = books.open_entry(
            f"{reference}:undo", Entry.Kind.GIVE_BACK, reservation.owner_id, reference, memo=reason
        )
        assert entry is not None, "a charge that was given back is 0"
        books.post(entry, list(_undoing(reservation, timezone.now())))
        Reservation.objects.filter(reference=reference).update(charged_mc=0)
        if owed:
            debts.cover(reservation.owner_id)
        return reservation.charged_mc


def grant(owner: User, amount_mc: int, *, actor: str, reason: str, key: str | None = None) -> None:
    """Credits without an end, given by a person who says why. The same `key` grants once."""
    if amount_mc <= 0:
        raise ValueError(f"{amount_mc} millicredits cannot be granted.")
    if not reason.strip():
        raise ValueError("A grant needs a reason.")
    with transaction.atomic():
        owed = books.lock_owner(owner.pk)
        reference = f"grant:{key}" if key else books.unique_reference("grant")
        entry = books.open_entry(
            f"{reference}:{owner.pk}", Entry.Kind.GRANT, owner.pk, reference, actor=actor, memo=reason
        )
        if entry is None:
            return
        lot = CreditLot.objects.create(
            owner_id=owner.pk, source="grant", reference=reference, granted_mc=amount_mc, priority=CreditLot.PAID
        )
        books.post(entry, [_granted(owner.pk, lot)])
        if owed:
            debts.cover(owner.pk)


def balance(owner: User) -> Balance:
    """Reads only. Counts this month's free minutes whether or not anything has been spent of them yet."""
    now = timezone.now()
    purse = purses.look(owner.pk, now)
    free, paid = purse.free_mc, purse.sum_mc(CreditLot.PAID)
    return Balance(
        available_mc=free + paid,
        free_mc=free,
        paid_mc=paid,
        held_mc=_sum(Account.objects.filter(owner_id=owner.pk, kind=AccountKind.HELD)),
        used_this_month_mc=used_since(owner, months.start(now)),
        renews_at=months.end(now),
        owed_mc=debts.owed_mc(owner.pk),
    )


def available_mc(owner: User) -> int:
    """`balance(owner).available_mc` in two queries, for what every request asks. Reads only."""
    purse = purses.look(owner.pk, timezone.now())
    return purse.free_mc + purse.sum_mc(CreditLot.PAID)


def used_since(owner: User, since: datetime) -> int:
    closed = Reservation.objects.filter(owner_id=owner.pk, closed_at__gte=since)
    return closed.aggregate(total=Sum("charged_mc"))["total"] or 0


def has_paid_credits(owner: User) -> bool:
    """Held ones count: a plan does not shrink while the work that it allowed is running."""
    kinds = (AccountKind.AVAILABLE, AccountKind.HELD)
    paid = Account.objects.filter(owner_id=owner.pk, kind__in=kinds, balance__gt=0)
    return paid.filter(lot_id__in=_lots(owner.pk, CreditLot.PAID)).exists()


def _close(reference: str, kind: Entry.Kind, state: Reservation.State, actual_mc: int) -> int:
    with transaction.atomic():
        reservation = Reservation.objects.get(reference=reference)
        owed = books.lock_owner(reservation.owner_id)
        entry = books.open_entry(f"{reference}:close", kind, reservation.owner_id, reference)
        if entry is None:
            reservation.refresh_from_db()
            return reservation.charged_mc
        now = timezone.now()
        charged = min(actual_mc, reservation.amount_mc)
        books.post(entry, list(_closing(reservation, charged, now)))
        Reservation.objects.filter(reference=reference, state=Reservation.State.HELD).update(
            state=state, charged_mc=charged, closed_at=now
        )
        if owed:
            debts.cover(reservation.owner_id)
        return charged


def _closing(reservation: Reservation, charged: int, now: datetime) -> Iterable[Movement]:
    """What ends soonest is charged first, as it was held first. What is left of an ended lot ends with it."""
    owner = reservation.owner_id
    for leg in reservation.legs.select_related("lot").order_by("pk"):
        held = books.account(owner, AccountKind.HELD, leg.lot_id)
        spent = min(leg.amount_mc, charged)
        charged -= spent
        if spent:
            yield Movement(held, books.house(AccountKind.REVENUE), spent)
        if rest := leg.amount_mc - spent:
            yield Movement(held, _home(leg.lot, now), rest)


def _undoing(reservation: Reservation, now: datetime) -> Iterable[Movement]:
    """`_closing` backwards: what was charged of each lot."""
    charged = reservation.charged_mc
    for leg in reservation.legs.select_related("lot").order_by("pk"):
        spent = min(leg.amount_mc, charged)
        charged -= spent
        if spent:
            yield Movement(books.house(AccountKind.REVENUE), _home(leg.lot, now), spent)


def _home(lot: CreditLot, now: datetime) -> int:
    if lot.expires_at is not None and lot.expires_at <= now:
        return books.house(AccountKind.EXPIRED)
    return books.account(lot.owner_id, AccountKind.AVAILABLE, lot.pk)


def _renewed(owner_id: int, now: datetime) -> Purse:
    """Grants the month's free minutes at their first use, then takes back what ended lots have left."""
    purse = purses.look(owner_id, now)
    grants = _grant_month(owner_id, now) if purse.month_to_come_mc else False
    for pocket in purse.ended:
        entry = books.open_entry(books.unique_reference(f"lot:{pocket.lot.pk}:expire"), Entry.Kind.EXPIRE, owner_id)
        assert entry is not None
        expired = Movement(pocket.account.pk, books.house(AccountKind.EXPIRED), pocket.account.balance)
        books.post(entry, [expired])
    return purses.look(owner_id, now) if grants else purse


def _grant_month(owner_id: int, now: datetime) -> bool:
    key, amount = months.reference(now), settings.FREE_MINUTES_PER_MONTH * MILLICREDITS
    entry = books.open_entry(f"{key}:{owner_id}", Entry.Kind.FREE_MONTH, owner_id, key)
    if entry is None:
        return False
    lot = CreditLot.objects.create(
        owner_id=owner_id,
        source="free",
        reference=key,
        granted_mc=amount,
        priority=CreditLot.FREE,
        expires_at=months.end(now),
    )
    books.post(entry, [_granted(owner_id, lot)])
    return True


def _choose_lots(purse: Purse, amount_mc: int) -> list[Leg]:
    legs = []
    missing = amount_mc
    for pocket in purse.living:
        if taken := min(missing, pocket.account.balance):
            legs.append(Leg(pocket.account, taken))
            missing -= taken
    if missing:
        raise insufficient(amount_mc, amount_mc - missing)
    return legs


def insufficient(needed_mc: int, available_mc: int) -> ServiceError:
    details = {"available_mc": available_mc}
    if available_mc == 0:
        return ServiceError(ErrorCode.INSUFFICIENT_CREDITS, details=details)
    needed, available = (credits_text(amount) for amount in (needed_mc, available_mc))
    message = f"This needs {needed} credits and {available} are left. Nothing was charged. Upgrade your plan."
    return ServiceError(ErrorCode.INSUFFICIENT_CREDITS, message, details=details)


def frozen(owed_mc: int) -> ServiceError:
    message = (
        f"A payment was taken back after its minutes were used, and this account owes {credits_text(owed_mc)} credits. "
        "Nothing was charged. Buy that many to go on; what is running already runs to its end."
    )
    return ServiceError(ErrorCode.INSUFFICIENT_CREDITS, message)


def credits_text(amount_mc: int) -> str:
    """12000 is "12", 12500 is "12.5"."""
    whole, rest = divmod(amount_mc, MILLICREDITS)
    return f"{whole:,}.{rest:03}".rstrip("0").rstrip(".")


def _to_held(owner_id: int, leg: Leg) -> Movement:
    return Movement(leg.account.pk, books.account(owner_id, AccountKind.HELD, leg.account.lot_id), leg.amount)


def _granted(owner_id: int, lot: CreditLot) -> Movement:
    available = books.account(owner_id, AccountKind.AVAILABLE, lot.pk)
    return Movement(books.house(AccountKind.GRANTS), available, lot.granted_mc)


def _lots(owner_id: int, priority: int) -> QuerySet[CreditLot, int]:
    return CreditLot.objects.filter(owner_id=owner_id, priority=priority).values_list("pk", flat=True)


def _sum(accounts: QuerySet[Account]) -> int:
    return accounts.aggregate(total=Sum("balance"))["total"] or 0
