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
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from accounts.services import limits
from engine.types import Chunk, to_dict
from stt_site.lib.ids import new_id
from stt_site.lib.queue import ring
from transcripts.models import Job, JobChunk, JobState
from transcripts.services import waiter

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


def job_of(slot_name: str) -> int | None:
    kind, _, number = slot_name.partition(":")
    return int(number) if kind == "job" and number.isdecimal() else None


def claim(job_id: int) -> Lease | None:
    """None: it is not there, not due, somebody else's, cancelled, worn out, or a long one while too many run."""
    me = f"{NODE}:{os.getpid()}:{new_id(8)}"
    if not _claim(job_id, me):
        return None
    job = Job.objects.select_related("media").filter(pk=job_id, lease_owner=me).first()
    return Lease(job, job.fence) if job else None


@transaction.atomic
def _claim(job_id: int, me: str) -> bool:
    now = timezone.now()
    free = Q(state=JobState.QUEUED, not_before__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
    claimable = Job.objects.filter(free, pk=job_id, attempts__lt=settings.JOB_MAX_ATTEMPTS, cancel_requested=False)

    def take(jobs: QuerySet[Job]) -> int:
        return jobs.update(
            state=JobState.RUNNING,
            phase="waiting",
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            lease_owner=me,
            lease_until=lease_end(now),
            started_at=Coalesce("started_at", Value(now)),
        )

    return bool(take(claimable.filter(interactive=True)) or (_bulk_lane_has_room(now) and take(claimable)))


def _bulk_lane_has_room(now: datetime) -> bool:
    """Callers who wait must never wait for somebody's long files: of this machine's workers one stays free for them,
    and one for playback copies."""
    bulk = Job.objects.filter(interactive=False, state=JobState.RUNNING, lease_until__gte=now)
    return bulk.filter(lease_owner__startswith=f"{NODE}:").count() < max(1, settings.WORKERS - 2)


def waiting_fairly() -> QuerySet[Job]:
    """Due jobs in which nobody waits: first those of callers with the fewest running, then the oldest."""
    running = Job.objects.filter(caller=OuterRef("caller"), state=JobState.RUNNING).order_by().values("caller")
    busy = Subquery(running.annotate(number=Count("pk")).values("number"))
    due = Job.objects.filter(interactive=False, state=JobState.QUEUED, not_before__lte=timezone.now())
    return due.annotate(busy=Coalesce(busy, 0)).order_by("busy", "pk")


def ring_next() -> None:
    """Room was made in the bulk lane: whose turn is it? The message it came with may be gone."""
    waiting = waiting_fairly().values_list("pk", flat=True).first()
    if waiting is not None:
        ring(RUN_JOB, waiting)


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
    """Of the claims before."""
    return list(JobChunk.objects.filter(job_id=lease.job.pk).order_by("index")) if lease.fence > 1 else []


@transaction.atomic
def store_chunk(lease: Lease, chunk: Chunk) -> None:
    """The checkpoint. It also says that this job moves, so its earlier deaths are forgotten."""
    kept = Job.objects.filter(lease.mine).update(
        attempts=0, done_ms=int(chunk.end * 1000), lease_until=lease_end(timezone.now())
    )
    if not kept:
        raise LeaseLost
    JobChunk.objects.create(job_id=lease.job.pk, index=chunk.index, fence=lease.fence, result=to_dict(chunk))
    if lease.job.interactive:
        transaction.on_commit(lambda: waiter.ring(lease.job.pk))


@transaction.atomic
def give_back(lease: Lease, *, after: float = 0.0, burn_attempt: bool) -> bool:
    """Queue the job again, `after` seconds from now. False: it was not ours any more, or a cancel was asked for, and
    queued with that nobody would ever claim or end it."""
    due = timezone.now() + timedelta(seconds=after)
    given = Job.objects.filter(lease.mine, cancel_requested=False).update(
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
