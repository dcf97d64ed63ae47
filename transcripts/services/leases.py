"""Who works on a job: every conditional UPDATE of the state machine but the closing ones (`closing.py`).

A claim gives a lease with a number, the fence. All writes of a worker carry that number, so one that lost its lease,
however late it wakes, changes nothing.
"""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from accounts.services import limits
from engine.types import Chunk, to_dict
from stt_site.lib.ids import new_id
from stt_site.lib.queue import ring
from transcripts.models import Job, JobChunk, JobState

RUN_JOB = "transcripts.tasks.run_job"
NODE = socket.gethostname()[:32]


class LeaseLost(Exception):
    """Somebody else has the job now, or it was cancelled or deleted: stop, and write nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    job: Job
    fence: int

    @property
    def mine(self) -> Q:
        return Q(pk=self.job.pk, fence=self.fence, state=JobState.RUNNING)


def slot(job_id: int) -> str:
    """The name a job goes by in limits and ledger."""
    return f"job:{job_id}"


def claim(job_id: int) -> Lease | None:
    """None: it is not there, not due, somebody else's, cancelled or worn out."""
    now = timezone.now()
    me = f"{NODE}:{os.getpid()}:{new_id(8)}"
    free = Q(state=JobState.QUEUED, not_before__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
    claimed = Job.objects.filter(
        free, pk=job_id, attempts__lt=settings.JOB_MAX_ATTEMPTS, cancel_requested=False
    ).update(
        state=JobState.RUNNING,
        phase="waiting",
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        lease_owner=me,
        lease_until=lease_end(now),
        started_at=Coalesce("started_at", Value(now)),
    )
    if not claimed:
        return None
    job = Job.objects.select_related("media").filter(pk=job_id, lease_owner=me).first()
    return Lease(job, job.fence) if job else None


def lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def renew(lease: Lease, phase: str, done_ms: int, total_ms: int | None) -> None:
    """Heartbeat and progress in one. Raises LeaseLost, also when a cancel was asked for."""
    kept = Job.objects.filter(lease.mine, cancel_requested=False).update(
        lease_until=lease_end(timezone.now()),
        phase=phase,
        done_ms=Greatest("done_ms", Value(done_ms)),
        total_ms=total_ms,
    )
    if not kept:
        raise LeaseLost
    if lease.job.interactive:
        limits.renew_slot(slot(lease.job.pk))


def check(lease: Lease) -> None:
    """Reads only. Raises LeaseLost, also when a cancel was asked for."""
    if not Job.objects.filter(lease.mine, cancel_requested=False).exists():
        raise LeaseLost


def stored_chunks(lease: Lease) -> list[JobChunk]:
    return list(JobChunk.objects.filter(job_id=lease.job.pk).order_by("index"))


@transaction.atomic
def store_chunk(lease: Lease, chunk: Chunk) -> None:
    """The checkpoint. It also says that this job moves, so its earlier deaths are forgotten."""
    kept = Job.objects.filter(lease.mine).update(
        attempts=0, done_ms=int(chunk.end * 1000), lease_until=lease_end(timezone.now())
    )
    if not kept:
        raise LeaseLost
    JobChunk.objects.create(job_id=lease.job.pk, index=chunk.index, fence=lease.fence, result=to_dict(chunk))


@transaction.atomic
def give_back(lease: Lease, *, after: float = 0.0, burn_attempt: bool) -> bool:
    """Queue the job again, `after` seconds from now. False: it was not ours any more."""
    due = timezone.now() + timedelta(seconds=after)
    given = Job.objects.filter(lease.mine).update(
        state=JobState.QUEUED,
        phase="waiting",
        not_before=due,
        lease_owner="",
        lease_until=None,
        # A claim that stored a chunk has set the count to 0 already.
        attempts=F("attempts") if burn_attempt else Greatest(F("attempts"), Value(1)) - 1,
    )
    if given:
        ring(RUN_JOB, lease.job.pk, at=due if after else None)
    return bool(given)
