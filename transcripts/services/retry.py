from django.db import transaction
from django.utils import timezone

from accounts.services import access, ledger
from accounts.services.ledger import Work
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.queue import ring
from transcripts.models import Job, JobState, Transcript, Version
from transcripts.services.leases import RUN_JOB, slot

ENDED_BADLY = (JobState.FAILED, JobState.CANCELLED)


@transaction.atomic
def retry(ended: Job) -> Job:
    """A new job with the same recording, options and price in the place of one that failed or was cancelled; the old
    one stays as it ended. Raises CONFLICT, or the ledger's refusal."""
    if ended.state not in ENDED_BADLY:
        raise ServiceError(ErrorCode.CONFLICT, f"Job {ended.pk} is {ended.state}. Only what ended badly is run again.")
    if ended.media.removed_at:
        raise ServiceError(ErrorCode.CONFLICT, f"The recording of job {ended.pk} is removed, as its owner wished.")
    if ended.owner is not None:
        access.demand_open(ended.owner)
    job = Job.objects.create(
        owner=ended.owner,
        caller=ended.caller,
        media=ended.media,
        origin=ended.origin,
        interactive=False,
        options={**ended.options, "priority": "bulk"},
        tariff=ended.tariff,
        total_ms=ended.media.declared_ms,
        not_before=timezone.now(),
        reserved_mc=ended.reserved_mc,
    )
    version = Version.objects.filter(job=ended).select_related("transcript").first()
    transcript = version.transcript if version else Transcript.objects.filter(job=ended).first()
    if transcript is None:
        raise ServiceError(ErrorCode.CONFLICT, f"Job {ended.pk} has been run again before.")
    moved = Transcript.objects.filter(job=ended).update(job=job) + Version.objects.filter(job=ended).update(job=job)
    if not moved:
        raise ServiceError(ErrorCode.CONFLICT, f"Job {ended.pk} has been run again before.")
    if ended.owner is not None and job.reserved_mc:
        work = Work(job.origin, paid_for=transcript.public_id)
        ledger.reserve(ended.owner, slot(job.pk), job.reserved_mc, work)
    ring(RUN_JOB, job.pk)
    return job
