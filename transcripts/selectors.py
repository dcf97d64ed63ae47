"""Everything that is read for a caller. Nothing else may fetch a row for one, so nobody sees another's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.core.files import File
from django.db.models import Count, DurationField, ExpressionWrapper, F, OrderBy, Q, QuerySet, Sum

from accounts.models import User
from engine.types import Chunk, EngineStatus, Notice, Segment, Span, Turn, Word, chunk_from_dict, detection_from_dict
from engine.types import Transcript as Document
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway, storage
from transcripts.models import OPEN_STATES, Job, JobChunk, JobState, Media, Playback, Transcript

if TYPE_CHECKING:
    from engine.catalog import ModelEntry

STATUSES = {
    JobState.QUEUED: "pending",
    JobState.RUNNING: "processing",
    JobState.SUCCEEDED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}
"""Inside to outside."""
GROUPS = {"working": OPEN_STATES, "ready": (JobState.SUCCEEDED,), "failed": (JobState.FAILED,)}
ORDERS: dict[str, tuple[str | OrderBy, ...]] = {
    "": ("-created_at", "-id"),
    "title": ("title", "-id"),
    "length": (F("duration_ms").desc(nulls_last=True), "-id"),
}
"""Newest first, by name, longest first."""


def status_of(job: Job) -> str:
    return STATUSES[JobState(job.state)]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many transcripts each group of the list holds ("" is all), and the languages that occur."""

    groups: dict[str, int]
    languages: list[str]


def transcripts_for(
    user: User,
    *,
    status: str | None = None,
    group: str = "",
    language: str | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
    query: str = "",
    slugs: Sequence[str] | None = None,
    order: str = "",
) -> QuerySet[Transcript]:
    """Dates are UTC days, both inclusive. Raises INVALID_REQUEST for an unknown status."""
    found = Transcript.objects.filter(owner=user).select_related("job", "media").order_by(*ORDERS[order])
    if status:
        found = found.filter(job__state__in=_states(status))
    if group:
        found = found.filter(job__state__in=GROUPS[group])
    if language:
        found = found.filter(language=language)
    if date_from:
        found = found.filter(created_at__gte=datetime.combine(date_from, time(), UTC))
    if date_to:
        found = found.filter(created_at__lt=datetime.combine(date_to, time(), UTC) + timedelta(days=1))
    if query := query.replace("\0", ""):
        found = found.filter(Q(title__icontains=query) | Q(text__icontains=query))
    if slugs is not None:
        found = found.filter(slug__in=[slug for slug in slugs if slug.isprintable()])
    return found


def transcripts_paid_by(user: User, references: Iterable[str]) -> dict[str, Transcript]:
    """The user's transcripts behind the ledger's references ("job:12"), without their text."""
    numbers = [int(number) for kind, _, number in (each.partition(":") for each in references) if kind == "job"]
    found = Transcript.objects.filter(owner=user, job__in=numbers).select_related("job", "media").defer("text")
    return {f"job:{transcript.job_id}": transcript for transcript in found}


def average_speed(user: User, since: datetime) -> float | None:
    """Seconds of audio for each second of work, over what was finished since. None where there is too little of it."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
    ended = Job.objects.filter(owner=user, state=JobState.SUCCEEDED, finished_at__gte=since, started_at__isnull=False)
    sums = ended.aggregate(audio_ms=Sum("done_ms"), took=Sum(took))
    seconds = sums["took"].total_seconds() if sums["took"] else 0.0
    return sums["audio_ms"] / 1000 / seconds if seconds >= 1 else None


def transcript_counts(user: User) -> Counts:
    mine = Transcript.objects.filter(owner=user)
    states = dict(mine.values_list("job__state").annotate(Count("pk")).order_by())
    groups = {name: sum(states.get(state, 0) for state in members) for name, members in GROUPS.items()}
    languages = mine.exclude(language="").values_list("language", flat=True).distinct().order_by("language")
    return Counts({"": sum(states.values()), **groups}, list(languages))


def _states(status: str) -> list[JobState]:
    states = [state for state, name in STATUSES.items() if name == status]
    if not states:
        names = ", ".join(STATUSES.values())
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"There is no status {status!r}. The statuses are: {names}.")
    return states


def accepted_as(owner: User, reference: str) -> Transcript | None:
    """The transcript of that `reference`, while it is there."""
    pk = int(reference.removeprefix("transcript:"))
    return Transcript.objects.select_related("job", "media").filter(owner=owner, pk=pk).first()


def has_succeeded(transcript: Transcript) -> bool:
    """Now, and not when it was read."""
    return Job.objects.filter(pk=transcript.job_id, state=JobState.SUCCEEDED).exists()


def transcript_for(user: User, ref: str) -> Transcript:
    """`ref` is a number, a slug or a public id. Another's transcript is NOT_FOUND."""
    # PostgreSQL refuses to look for NUL; no name here has one.
    names = Q(slug=ref) | Q(public_id=ref) if ref.isprintable() else Q(pk=None)
    # More digits than a key can have would be an error in the database, not a miss.
    if ref.isascii() and ref.isdigit() and len(ref) < 19:
        names |= Q(pk=int(ref))
    found = Transcript.objects.filter(names, owner=user).select_related("job", "media").order_by("pk").first()
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return found


def anonymous_transcript(token: str) -> Transcript:
    found = None
    if token and token.isprintable():
        found = Transcript.objects.filter(view_token=token, owner=None).select_related("job", "media").first()
    if found is None:
        message = "There is nothing here. Results without an account are kept for a limited time only."
        raise ServiceError(ErrorCode.NOT_FOUND, message)
    return found


def document(transcript: Transcript, *, words: bool = True) -> Document:
    """The canonical value every export and answer renders from. Without `words`, which are most of its bytes, it is
    enough for a page that shows text."""
    rows = transcript.segments.all()
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
                words=tuple(Word(**word) for word in row.words) if words else (),
                speaker=row.speaker or None,
                language=row.language or None,
                avg_logprob=row.avg_logprob,
                no_speech_prob=row.no_speech_prob,
                compression_ratio=row.compression_ratio,
                temperature=row.temperature,
                chunk=row.chunk,
            )
            for row in (rows if words else rows.defer("words"))
        ),
        model=transcript.model,
        speakers=tuple(transcript.speakers),
        coverage=1.0 if transcript.coverage is None else transcript.coverage,
        suspect_spans=tuple(Span(**span) for span in transcript.suspect_spans),
        warnings=tuple(Notice(**notice) for notice in transcript.warnings),
        turns=tuple(Turn(**turn) for turn in transcript.turns),
        snr_db=transcript.snr_db,
        detection=detection_from_dict(transcript.detection),
    )


def chunks(job: Job, *, after: int = 0) -> list[Chunk]:
    """What a running job has done so far, in order, without its first `after` chunks."""
    rows = JobChunk.objects.filter(job=job, index__gte=after).order_by("index")
    return [chunk_from_dict(row.result) for row in rows]


def playback_file(media: Media) -> "File[bytes]":
    """The browser's copy, seekable, with a `size`. Raises NOT_READY while it is made, NOT_FOUND where there is none."""
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


def models() -> "Sequence[ModelEntry]":
    """Every model that can be named: id, name, description, languages (how many), speed, size in bytes."""
    return engine_gateway.models()


def languages() -> Mapping[str, str]:
    """Code to lower-case English name."""
    return engine_gateway.languages()
