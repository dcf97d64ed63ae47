"""How a job ends: state, result, money and places change in one transaction, or not at all."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Mail
from accounts.services import ledger, limits, low_credits, mails
from accounts.services.tariffs import Tariff
from engine.types import Notice, Segment, Span, Turn, to_dict
from engine.types import Transcript as Result
from stt_site.lib.errors import MEANINGS, ErrorCode
from transcripts import storage
from transcripts.models import OPEN_STATES, Job, JobChunk, JobState, Media, Transcript, TranscriptSegment, Version
from transcripts.services import index, waiter, webhooks
from transcripts.services.editing import versions
from transcripts.services.leases import Lease, slot

CANCELLED_MESSAGE = "The transcription was cancelled. Nothing was charged."


@transaction.atomic
def succeed(lease: Lease, result: Result) -> bool:
    """False: the job is not ours any more, or a cancel came first."""
    job = _end(Q(lease.mine, cancel_requested=False), JobState.SUCCEEDED)
    if job is None:
        return False
    duration_ms = round(result.duration * 1000)
    _write_transcript(job, result, duration_ms)
    Media.objects.filter(pk=job.media_id).update(duration_ms=duration_ms)
    Job.objects.filter(pk=job.pk).update(
        done_ms=duration_ms,
        total_ms=duration_ms,
        charged_mc=ledger.settle(slot(job.pk), _bill_mc(job, result, duration_ms)) if job.reserved_mc else 0,
    )
    _tell(job)
    return True


def _tell(job: Job) -> None:
    """Mails that follow from a result; those that wait for the answer need none that it is there."""
    if job.owner is None:
        return
    if job.reserved_mc:
        low_credits.after_charge(job.owner)
    if not job.interactive and job.owner.mail_transcript_ready:
        made = Transcript.objects.only("public_id", "slug", "title").get(job_id=job.pk)
        path = f"/transcripts/{made.slug}/"
        mails.write(job.owner, Mail.Kind.TRANSCRIPT_READY, made.public_id, title=made.title, path=path)


@transaction.atomic
def fail(where: Q, code: ErrorCode, message: str | None = None) -> bool:
    """End the one open job that `where` describes."""
    return _release(_end(where, JobState.FAILED, code, message or MEANINGS[code].message))


@transaction.atomic
def cancel(where: Q) -> bool:
    return _release(_end(where, JobState.CANCELLED, ErrorCode.CLIENT_CLOSED_REQUEST, CANCELLED_MESSAGE))


def _end(where: Q, state: JobState, code: str = "", message: str = "") -> Job | None:
    # Read anew: an account may have claimed it since it was accepted.
    job = Job.objects.filter(where, state__in=OPEN_STATES).select_related("owner").first()
    if job is None:
        return None
    ended = Job.objects.filter(where, pk=job.pk, state__in=OPEN_STATES).update(
        state=state,
        phase="",
        error_code=code,
        error_message=message,
        lease_owner="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    if not ended:
        return None
    JobChunk.objects.filter(job_id=job.pk).delete()
    webhooks.tell(job, state)
    if job.options.get("known_speakers"):
        key = job.media.key
        transaction.on_commit(lambda: storage.delete_voices(key), robust=True)
    if job.interactive:
        limits.free_slot(slot(job.pk))
        transaction.on_commit(lambda: waiter.ring(job.pk))
    return job


def _bill_mc(job: Job, result: Result, duration_ms: int) -> int:
    return Tariff(**job.tariff).bill_mc(duration_ms, result.text, {notice.code for notice in result.warnings})


def _release(job: Job | None) -> bool:
    if job is None:
        return False
    if job.reserved_mc:
        ledger.release(slot(job.pk))
    if job.caller.startswith("ip:"):
        limits.uncount_daily(job.caller, job.created_at.date())
    return True


def _write_transcript(job: Job, result: Result, duration_ms: int) -> None:
    transcript = Transcript.objects.only("pk", "version").filter(job_id=job.pk).first()
    if transcript is not None:
        Transcript.objects.filter(pk=transcript.pk).update(**shown(result, duration_ms))
        write_segments(transcript.pk, result.segments, transcript.version)
        if job.owner is not None:
            index.want_soon(transcript.pk)
    else:
        again = Version.objects.get(job=job, kind=Version.Kind.RUN)
        write_segments(again.transcript_id, result.segments, again.number)
        versions.show(again, shown(result, duration_ms))


def shown(result: Result, duration_ms: int) -> dict[str, Any]:
    return {
        "text": result.text,
        "language": result.language or "",
        "language_probability": result.language_probability,
        "duration_ms": duration_ms,
        "model": result.model[:64],
        "word_count": len(result.text.split()),
        "speakers": list(result.speakers),
        "coverage": result.coverage,
        "suspect_spans": plain(result.suspect_spans),
        "warnings": plain(result.warnings),
        "turns": plain(result.turns),
        "snr_db": result.snr_db,
        "detection": to_dict(result.detection),
    }


def write_segments(transcript_id: int, segments: Iterable[Segment], version: int = 1) -> None:
    """Once a version: what the engine gave stays."""
    TranscriptSegment.objects.bulk_create(
        (_segment_row(transcript_id, version, order, segment) for order, segment in enumerate(segments)), batch_size=200
    )


def plain(items: Iterable[Span | Notice | Turn]) -> list[dict[str, object]]:
    return [to_dict(item) for item in items]


def _segment_row(transcript_id: int, version: int, order: int, segment: Segment) -> TranscriptSegment:
    return TranscriptSegment(
        transcript_id=transcript_id,
        version=version,
        order=order,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        speaker=segment.speaker or "",
        language=segment.language or "",
        avg_logprob=segment.avg_logprob,
        no_speech_prob=segment.no_speech_prob,
        compression_ratio=segment.compression_ratio,
        temperature=segment.temperature,
        words=[to_dict(word) for word in segment.words],
        chunk=segment.chunk,
        tokens=list(segment.tokens),
    )
