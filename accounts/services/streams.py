"""Paying for a stream, whose length nobody knows: slices are held ahead of the sound and charged when it ends.

Slice N is the reservation "ws:SESSION:slice:N". Together the slices hold exactly the price of what they cover, so the
whole stream is rounded up once, and a stream that outlives the credits is told how far they reach.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Reservation, User
from accounts.services import books, key_caps, ledger, low_credits
from accounts.services.ledger import NAMELESS, Work
from accounts.services.tariffs import Tariff

GIVE_UP = timedelta(hours=6)
"""Without a new slice, and longer than any stream may last: the process that held these slices is gone."""


def cover(owner: User, session: str, tariff: Tariff, until_ms: int, work: Work = NAMELESS) -> int:
    """Holds what is missing for the stream's first `until_ms`. Returns how many milliseconds are covered: fewer than
    `until_ms` where the credits end before, 0 where there are none. Asking again for the same holds nothing more."""
    with transaction.atomic():
        books.lock_owner(owner.pk)
        slices = _slices(owner.pk, session)
        held = slices.aggregate(total=Sum("amount_mc"))["total"] or 0
        left = key_caps.left_of(work.api_key_id)
        reach = held + ledger.available_mc(owner) if left is None else held + min(ledger.available_mc(owner), left)
        covered_ms = tariff.billable_ms(min(until_ms, tariff.affordable_ms(reach)))
        if missing := max(0, tariff.price_mc(covered_ms) - held):
            ledger.reserve(owner, f"{_prefix(session)}{slices.count()}", missing, work)
        return max(covered_ms, tariff.affordable_ms(held))


def close(owner: User, session: str, tariff: Tariff, received_ms: int) -> int:
    """Charges the price of `received_ms`, at most what is held, and gives the rest back. Returns what was charged.

    A transaction for each slice, so not inside one; broken off in the middle, the same call ends it."""
    price, charged = tariff.price_mc(received_ms), 0
    slices = _slices(owner.pk, session).order_by("created_at", "reference")
    for reference in slices.values_list("reference", flat=True):
        charged += ledger.settle(reference, max(0, price - charged))
    if charged:
        low_credits.after_charge(owner)
    return charged


def release_abandoned() -> None:
    """Slices whose stream ended with its process: nobody knows how much was heard, so nothing is charged."""
    since = timezone.now() - GIVE_UP
    held = Reservation.objects.filter(state=Reservation.State.HELD, reference__startswith="ws:")
    slices = held.order_by("created_at").values_list("reference", flat=True)
    living = {_session_of(reference) for reference in slices.filter(created_at__gte=since)}
    for reference in slices.filter(created_at__lt=since):
        if _session_of(reference) not in living:
            ledger.release(reference)


def _slices(owner_id: int, session: str) -> QuerySet[Reservation]:
    # By owner, which has an index: SQLite has none for the beginning of a text.
    return Reservation.objects.filter(owner_id=owner_id, reference__startswith=_prefix(session))


def _session_of(reference: str) -> str:
    return reference.rpartition(":slice:")[0]


def _prefix(session: str) -> str:
    return f"ws:{session}:slice:"
