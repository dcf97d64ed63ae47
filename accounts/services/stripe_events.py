"""What Stripe tells: stored when it comes, applied by a worker, looked for when it did not come.

An event only says where to look. It is stored once under its own id; what it leads to is keyed by the payment, so that
an event that is told twice, late or never does no harm.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import stripe_gateway
from accounts.models import Reconciliation, StripeEvent
from accounts.services import payments
from accounts.services.payments import Misfit, NotOurs
from accounts.stripe_gateway import NoSuchObject
from accounts.stripe_objects import Event
from stt_site.lib import queue
from stt_site.lib.errors import ServiceError

logger = logging.getLogger(__name__)
APPLY = "accounts.tasks.apply_stripe_event"
RECONCILE = "accounts.tasks.reconcile_stripe"
Outcome = StripeEvent.Outcome

# Of each kind, who looks at the object that the event is about.
APPLIERS: dict[str, Callable[[str], None]] = {
    "checkout.session.completed": payments.apply_session,
    "checkout.session.async_payment_succeeded": payments.apply_session,
    "checkout.session.async_payment_failed": payments.apply_session,
    "checkout.session.expired": payments.apply_session,
    "payment_intent.succeeded": payments.apply_payment,
    "invoice.paid": payments.apply_invoice,
    "customer.subscription.created": payments.apply_subscription,
    "customer.subscription.updated": payments.apply_subscription,
    "customer.subscription.deleted": payments.apply_subscription,
    "charge.refunded": payments.apply_refunds_of,
    "refund.created": payments.apply_refund,
    "refund.updated": payments.apply_refund,
    "refund.failed": payments.apply_refund,
    "charge.dispute.created": payments.apply_dispute,
    "charge.dispute.updated": payments.apply_dispute,
    "charge.dispute.closed": payments.apply_dispute,
    "charge.dispute.funds_withdrawn": payments.apply_dispute,
    "charge.dispute.funds_reinstated": payments.apply_dispute,
}
GRACE = timedelta(seconds=30)
"""From a message to the moment when it counts as lost."""
LONGEST_WAIT = timedelta(hours=1)
NIGHTLY = timedelta(hours=24)
DAYS = 3
BATCH = 100
KEPT = timedelta(days=90)
"""Longer than Stripe remembers an event itself."""


def store(event: Event) -> bool:
    """False: it was told before. The message to a worker commits with the row."""
    with transaction.atomic():
        row, is_new = StripeEvent.objects.get_or_create(
            event_id=event.id,
            defaults={
                "type": event.type[:100],
                "object_id": event.object_id,
                "livemode": event.livemode,
                "created_at": event.created,
                "not_before": timezone.now() + GRACE,
            },
        )
        if is_new:
            queue.ring(APPLY, row.pk)
    return is_new


def apply(pk: int) -> None:
    """Once, as far as anybody can tell. What Stripe could not be asked about is tried again, later and later."""
    waiting = StripeEvent.objects.filter(pk=pk, outcome=Outcome.WAITING)
    row = waiting.first()
    if row is None:
        return
    wait = min(GRACE * 2 ** min(row.attempts, 10), LONGEST_WAIT)
    waiting.update(attempts=F("attempts") + 1, not_before=timezone.now() + wait)
    outcome, note = _applied(row)
    processed_at = None if outcome == Outcome.WAITING else timezone.now()
    waiting.update(outcome=outcome, note=note[:500], processed_at=processed_at)


def _applied(row: StripeEvent) -> tuple[StripeEvent.Outcome, str]:
    applier = APPLIERS.get(row.type)
    if applier is None:
        return Outcome.IGNORED, "This kind says nothing about minutes."
    try:
        applier(row.object_id)
    except NotOurs as nothing:
        return Outcome.IGNORED, str(nothing)
    except NoSuchObject:
        return Outcome.REFUSED, f"Stripe does not know {row.object_id}."
    except Misfit as misfit:
        logger.error("Stripe event %s had no effect: %s", row.event_id, misfit)
        return Outcome.REFUSED, str(misfit)
    except ServiceError as error:
        return Outcome.WAITING, error.message
    return Outcome.APPLIED, ""


def ring_waiting() -> None:
    """A step of the sweeper: events whose message was lost, or that Stripe could not be asked about."""
    due = StripeEvent.objects.filter(outcome=Outcome.WAITING, not_before__lte=timezone.now())
    late = list(due.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if late:
        on_their_way = queue.pending(APPLY)
        for pk in late:
            if pk not in on_their_way:
                queue.ring(APPLY, pk)


def purge() -> None:
    """Forgets events that need nobody any more; what was refused stays for the operator."""
    done = StripeEvent.objects.filter(outcome__in=(Outcome.APPLIED, Outcome.IGNORED))
    done.filter(processed_at__lt=timezone.now() - KEPT).delete()


def reconcile_nightly() -> None:
    """A step of the sweeper. On several hosts two may begin at once; that costs a few requests."""
    if not stripe_gateway.enabled():
        return
    now = timezone.now()
    if Reconciliation.objects.filter(started_at__gt=now - NIGHTLY).exists():
        return
    with transaction.atomic():
        queue.ring(RECONCILE, Reconciliation.objects.create(days=DAYS, started_at=now).pk)


def reconcile(pk: int) -> Reconciliation:
    """Replays what Stripe told in the last days and nobody heard here."""
    run = Reconciliation.objects.get(pk=pk)
    try:
        told = stripe_gateway.events(run.started_at - timedelta(days=run.days), list(APPLIERS))
    except ServiceError as error:
        run.error = error.message[:500]
        told = []
    known = set(StripeEvent.objects.filter(event_id__in=[each.id for each in told]).values_list("event_id", flat=True))
    missed = [each for each in told if each.id not in known and each.livemode == stripe_gateway.livemode()]
    for event in missed:
        store(event)
        apply(StripeEvent.objects.values_list("pk", flat=True).get(event_id=event.id))
    run.seen, run.missed, run.finished_at = len(told), len(missed), timezone.now()
    run.save()
    return run
