"""Everything that is read for a caller. Nothing else may fetch a row for one, so nobody sees another's."""

from datetime import date
from typing import BinaryIO

from django.db.models import Q, QuerySet

from accounts.models import User
from engine.types import EngineStatus, Notice, Segment, Span, Word
from engine.types import Transcript as Document
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway, storage
from transcripts.models import Job, JobState, Media, Playback, Transcript

STATUSES = {
    JobState.QUEUED: "pending",
    JobState.RUNNING: "processing",
    JobState.SUCCEEDED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}
"""Inside to outside."""


def status_of(job: Job) -> str:
    return STATUSES[JobState(job.state)]


def transcripts_for(
    user: User,
    *,
    status: str | None = None,
    language: str | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
    query: str = "",
) -> QuerySet[Transcript]:
    """Newest first. Dates are UTC days, both inclusive. Raises INVALID_REQUEST for an unknown status."""
    found = Transcript.objects.filter(owner=user).select_related("job", "media").order_by("-created_at", "-id")
    if status:
        states = [state for state, name in STATUSES.items() if name == status]
        if not states:
            names = ", ".join(STATUSES.values())
            raise ServiceError(ErrorCode.INVALID_REQUEST, f"There is no status {status!r}. The statuses are: {names}.")
        found = found.filter(job__state__in=states)
    if language:
        found = found.filter(language=language)
    if date_from:
        found = found.filter(created_at__date__gte=date_from)
    if date_to:
        found = found.filter(created_at__date__lte=date_to)
    if query:
        found = found.filter(Q(title__icontains=query) | Q(text__icontains=query))
    return found


def transcript_for(user: User, ref: str) -> Transcript:
    """`ref` is a number, a slug or a public id. Another's transcript is NOT_FOUND."""
    names = Q(slug=ref) | Q(public_id=ref)
    # More digits than a key can have would be an error in the database, not a miss.
    if ref.isascii() and ref.isdigit() and len(ref) < 19:
        names |= Q(pk=int(ref))
    found = Transcript.objects.filter(names, owner=user).select_related("job", "media").order_by("pk").first()
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return found


def anonymous_transcript(token: str) -> Transcript:
    found = None
    if token:
        found = Transcript.objects.filter(view_token=token, owner=None).select_related("job", "media").first()
    if found is None:
        message = "There is nothing here. Results without an account are kept for a limited time only."
        raise ServiceError(ErrorCode.NOT_FOUND, message)
    return found


def document(transcript: Transcript) -> Document:
    """The canonical value every export and answer renders from."""
    return Document(
        text=transcript.text,
        language=transcript.language or None,
        language_probability=transcript.language_probability,
        duration=(transcript.duration_ms or 0) / 1000,
        segments=tuple(
            Segment(
                start=row.start,
                end=row.end,
                text=row.text,
                words=tuple(Word(**word) for word in row.words),
                speaker=row.speaker or None,
                language=row.language or None,
                avg_logprob=row.avg_logprob,
                no_speech_prob=row.no_speech_prob,
                compression_ratio=row.compression_ratio,
                temperature=row.temperature,
            )
            for row in transcript.segments.all()
        ),
        model=transcript.model,
        speakers=tuple(transcript.speakers),
        coverage=1.0 if transcript.coverage is None else transcript.coverage,
        suspect_spans=tuple(Span(**span) for span in transcript.suspect_spans),
        warnings=tuple(Notice(**notice) for notice in transcript.warnings),
    )


def playback_file(media: Media) -> BinaryIO:
    """The browser's copy, seekable. Raises NOT_READY while it is being made, NOT_FOUND where there is none."""
    if media.playback == Playback.PENDING:
        raise ServiceError(ErrorCode.NOT_READY, "The audio is being prepared. Ask again in a moment.", retry_after=2)
    try:
        if media.playback == Playback.READY:
            return storage.open_file(media.key, storage.PLAYBACK)
    except FileNotFoundError:
        pass
    raise ServiceError(ErrorCode.NOT_FOUND, "There is no audio to play for this recording.")


def engine_status() -> EngineStatus:
    """At most a few seconds old. Raises ENGINE_UNAVAILABLE."""
    return engine_gateway.status()
