"""Who works on a job: every conditional UPDATE of the state machine but the closing ones (`closing.py`).

A claim is a lease with a number. All writes of a worker carry that number, so one that lost its lease, however late
it wakes, changes nothing.
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


class ClaimLost(Exception):
    """Somebody else has the job now, or it was cancelled or deleted: stop, and write nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    job: Job
    fence: int

    @property
    def mine(self) -> Q:
        return Q(pk=self.job.pk, fence=self.fence, state=JobState.RUNNING)


def slot(job_id: int) -> str:
    """The name a job goes by in limits and ledger."""
    return f"job:{job_id}"


def claim(job_id: int) -> Claim | None:
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
    return Claim(job, job.fence) if job else None


def lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def renew(claim: Claim, phase: str, done_ms: int, total_ms: int | None) -> None:
    """Heartbeat and progress in one. Raises ClaimLost, also when a cancel was asked for."""
    kept = Job.objects.filter(claim.mine, cancel_requested=False).update(
        lease_until=lease_end(timezone.now()),
        phase=phase,
        done_ms=Greatest("done_ms", Value(done_ms)),
        total_ms=total_ms,
    )
    if not kept:
        raise ClaimLost
    if claim.job.interactive:
        limits.renew_slot(slot(claim.job.pk))


def check(claim: Claim) -> None:
    """Reads only. Raises ClaimLost, also when a cancel was asked for."""
    if not Job.objects.filter(claim.mine, cancel_requested=False).exists():
        raise ClaimLost


def stored_chunks(claim: Claim) -> list[JobChunk]:
    return list(JobChunk.objects.filter(job_id=claim.job.pk).order_by("index"))


@transaction.atomic
def store_chunk(claim: Claim, chunk: Chunk) -> None:
    """The checkpoint. It also says that this job moves, so its earlier deaths are forgotten."""
    kept = Job.objects.filter(claim.mine).update(
        attempts=0, done_ms=int(chunk.end * 1000), lease_until=lease_end(timezone.now())
    )
    if not kept:
        raise ClaimLost
    JobChunk.objects.create(job_id=claim.job.pk, index=chunk.index, fence=claim.fence, result=to_dict(chunk))


@transaction.atomic
def give_back(claim: Claim, *, after: float = 0.0, burn_attempt: bool) -> bool:
    """Queue the job again, `after` seconds from now. False: it was not ours any more."""
    due = timezone.now() + timedelta(seconds=after)
    given = Job.objects.filter(claim.mine).update(
        state=JobState.QUEUED,
        phase="waiting",
        not_before=due,
        lease_owner="",
        lease_until=None,
        # A claim that stored a chunk has set the count to 0 already.
        attempts=F("attempts") if burn_attempt else Greatest(F("attempts"), Value(1)) - 1,
    )
    if given:
        ring(RUN_JOB, claim.job.pk, at=due if after else None)
    return bool(given)
