"""The ledger's audit, with what only the jobs can say: what the credits went to is there, and nothing is forgotten."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Reservation
from accounts.services import audit as books
from accounts.services.audit import NAMED_AT_MOST, Breach
from transcripts.models import OPEN_STATES, Job, JobState
from transcripts.services.leases import job_of, slot


def audit() -> list[Breach]:
    return books.audit(_open_jobs_have_open_holds, _one_transcript_each, _no_forgotten_run)


def _open_jobs_have_open_holds() -> Iterator[Breach]:
    """I5 from the other side. A hold whose job was deleted is the sweeper's to release."""
    open_holds = Reservation.objects.filter(state=Reservation.State.HELD).values_list("reference", flat=True)
    held = {job for job in map(job_of, open_holds) if job is not None}
    working = set(Job.objects.filter(state__in=OPEN_STATES, reserved_mc__gt=0).values_list("pk", flat=True))
    for pk in sorted(working - held)[:NAMED_AT_MOST]:
        yield Breach("I5", f"{slot(pk)} is open and nothing is held for it")
    ended = Job.objects.filter(pk__in=held - working).exclude(state__in=OPEN_STATES)
    for job in ended.order_by("pk")[:NAMED_AT_MOST]:
        yield Breach("I5", f"{slot(job.pk)} has {job.state} and its hold is open")


def _one_transcript_each() -> Iterator[Breach]:
    """A second one is impossible by its unique key."""
    for job in Job.objects.filter(state=JobState.SUCCEEDED, transcript=None, versions=None).order_by("pk")[
        :NAMED_AT_MOST
    ]:
        yield Breach("I8", f"{slot(job.pk)} has succeeded without a transcript")


def _no_forgotten_run() -> Iterator[Breach]:
    """A lease that was taken, or renewed, more than twice its length and a sweep ago."""
    over = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS + settings.SWEEP_SECONDS)
    for job in Job.objects.filter(state=JobState.RUNNING, lease_until__lt=over).order_by("pk")[:NAMED_AT_MOST]:
        yield Breach("I9", f"{slot(job.pk)} runs under a lease that ended at {job.lease_until:%Y-%m-%d %H:%M:%S}")
