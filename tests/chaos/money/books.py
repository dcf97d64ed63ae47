"""What the database says after the run, held against what clients were told and what Stripe's double was paid."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Sum

from accounts.models import CreditLot, Entry, PaymentOrder, Reservation, User
from accounts.services import ledger
from tests.stripe_double.world import World
from transcripts.models import Job, JobState
from transcripts.services.leases import slot

PRICE_MC = 1000
"""Of any recording of the run: a begun minute."""
ENDED = {JobState.SUCCEEDED, JobState.CANCELLED}


def account(told: list[dict[str, str]], words: Mapping[int, str]) -> dict[str, Any]:
    """`told`: of each client, by name, what it was told is accepted. `words`: of a recording, by its size."""
    jobs = list(Job.objects.select_related("media", "transcript").order_by("pk"))
    by_name: dict[str, list[Job]] = {}
    for job in jobs:
        by_name.setdefault(job.media.filename, []).append(job)
    known = {job.transcript.public_id for job in jobs}
    paid_for = Counter(job.media.filename for job in jobs if job.state == JobState.SUCCEEDED)
    return {
        "jobs": len(jobs),
        "states": dict(Counter(str(job.state) for job in jobs)),
        "errors": dict(Counter(job.error_code for job in jobs if job.error_code)),
        "claims": sum(job.fence for job in jobs),
        "claimed_again": sum(job.fence > 1 for job in jobs),
        "lost": [name for each in told for name, public_id in each.items() if public_id not in known]
        + [job.media.filename for job in jobs if job.state not in ENDED],
        "charged_twice": [name for name, times in paid_for.items() if times > 1],
        "charged_wrong": [slot(job.pk) for job in jobs if not _is_charged_right(job)],
        "text_wrong": [
            slot(job.pk)
            for job in jobs
            if job.transcript.text != (words[job.media.size] if job.state == JobState.SUCCEEDED else "")
        ],
        "accepted_again": sum(len(each) > 1 for each in by_name.values()),
        "balances_wrong": [user.email for user in User.objects.all() if not _is_balanced(user)],
    }


def _is_charged_right(job: Job) -> bool:
    """The job's own word, the hold's, and the entry's, of which there is one."""
    due = PRICE_MC if job.state == JobState.SUCCEEDED else 0
    hold = Reservation.objects.filter(reference=slot(job.pk)).first()
    closings = Entry.objects.filter(reference=slot(job.pk), kind__in=(Entry.Kind.SETTLE, Entry.Kind.RELEASE))
    kinds = list(closings.values_list("kind", flat=True))
    expected = [Entry.Kind.SETTLE if due else Entry.Kind.RELEASE]
    return hold is not None and job.charged_mc == hold.charged_mc == due and kinds == expected


def _is_balanced(user: User) -> bool:
    """What came less what was charged is what is left, and nothing is held."""
    given = CreditLot.objects.filter(owner_id=user.pk).aggregate(total=Sum("granted_mc"))["total"] or 0
    spent = PRICE_MC * Job.objects.filter(owner=user, state=JobState.SUCCEEDED).count()
    balance = ledger.balance(user)
    return (balance.available_mc, balance.held_mc) == (given - spent, 0)


def payments(world: World) -> dict[str, Any]:
    """Each payment at the double is one paid order and one lot of its minutes, and there is no other."""
    taken = {each["id"] for each in world.all("payment_intent") if each["status"] == "succeeded"}
    orders = list(PaymentOrder.objects.filter(state=PaymentOrder.State.PAID))
    lots = Counter(CreditLot.objects.filter(reference__in=[each.reference for each in orders]).values_list("reference"))
    return {
        "payments": len(taken),
        "payments_not_credited": sorted(taken - {str(each.payment_intent) for each in orders}),
        "credits_without_payment": [each.key for each in orders if each.payment_intent not in taken],
        "bought_mc": sum(each.amount_mc for each in orders),
        "purchased_lots_mc": _purchased_mc(),
        "lots_twice": [str(name) for name, times in lots.items() if times > 1],
    }


def _purchased_mc() -> int:
    lots = CreditLot.objects.filter(priority=CreditLot.PAID)
    return int(lots.aggregate(total=Sum("granted_mc"))["total"] or 0)
