"""Everything that is read for a caller. Nothing else may fetch a row for one, so nobody sees another's."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from django.core.files import File
from django.db.models import Count, DurationField, ExpressionWrapper, F, OrderBy, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from engine.types import Chunk, EngineStatus, Notice, Segment, Span, Turn, chunk_from_dict, detection_from_dict
from engine.types import Transcript as Document
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway, full_text, storage
from transcripts.models import (
    OPEN_STATES,
    Job,
    JobChunk,
    JobState,
    LiveStream,
    Media,
    Playback,
    Share,
    StoredFile,
    Tag,
    Transcript,
    Version,
    WebhookDelivery,
    WebhookEndpoint,
)
from transcripts.services import shares
from transcripts.services.editing import reading, rows
from transcripts.services.editing.outcome import Document as EditableDocument
from transcripts.terms import clauses

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


NUMBERED = re.compile(r"Speaker \d+")
OF_A_VERSION = ("transcript__job", "transcript__media")


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
    tag: str = "",
    slugs: Sequence[str] | None = None,
    order: str = "",
) -> QuerySet[Transcript]:
    """Without those in the trash. Dates are UTC days, both inclusive. Raises INVALID_REQUEST for an unknown status."""
    found = Transcript.objects.filter(owner=user, trashed_at=None)
    found = found.select_related("job", "media").prefetch_related("tags").order_by(*ORDERS[order])
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
        found = found.filter(_titled(query) | _says(user, query))
    if tag:
        found = found.filter(tags__name=tag.replace("\0", ""))
    if slugs is not None:
        found = found.filter(slug__in=[slug for slug in slugs if slug.isprintable()])
    return found


def _titled(query: str) -> Q:
    return Q(title__icontains=" ".join(query.split()))


def _says(user: User, query: str) -> Q:
    """Of transcripts: this is said in it, as it was corrected where it was. Nothing, where nothing is asked."""
    asked = clauses(query)
    return full_text.says(user, asked) if asked else Q(pk=None)


def trash_for(user: User) -> QuerySet[Transcript]:
    """What the user threw away, the last first."""
    trashed = Transcript.objects.filter(owner=user, trashed_at__isnull=False)
    return trashed.select_related("job", "media").prefetch_related("tags").order_by("-trashed_at", "-id")


def trashed_for(user: User, ref: str) -> Transcript:
    """Raises NOT_FOUND."""
    return _named(trash_for(user), ref)


def tags_of(user: User) -> list[tuple[str, int]]:
    """Each tag that the user's transcripts have, and how many have it."""
    mine = Tag.objects.filter(transcript__owner=user, transcript__trashed_at=None)
    return list(mine.values_list("name").annotate(Count("pk")).order_by("name"))


def transcripts_paid_by(user: User, references: Iterable[str]) -> dict[str, Transcript]:
    """The user's transcripts behind the ledger's references ("job:12"), without their text."""
    numbers = [int(number) for kind, _, number in (each.partition(":") for each in references) if kind == "job"]
    mine = Transcript.objects.filter(owner=user, trashed_at=None).select_related("job", "media").defer("text")
    found = {f"job:{transcript.job_id}": transcript for transcript in mine.filter(job__in=numbers)}
    versions = Version.objects.filter(transcript__in=mine, job__in=numbers).select_related(*OF_A_VERSION)
    return found | {f"job:{version.job_id}": version.transcript for version in versions}


def average_speed(user: User, since: datetime) -> float | None:
    """Seconds of audio for each second of work, over what was finished since. None where there is too little of it."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
    ended = Job.objects.filter(owner=user, state=JobState.SUCCEEDED, finished_at__gte=since, started_at__isnull=False)
    sums = ended.aggregate(audio_ms=Sum("done_ms"), took=Sum(took))
    seconds = sums["took"].total_seconds() if sums["took"] else 0.0
    return sums["audio_ms"] / 1000 / seconds if seconds >= 1 else None


def transcript_counts(user: User) -> Counts:
    mine = Transcript.objects.filter(owner=user, trashed_at=None)
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
    """`ref` is a number, a slug or a public id. Another's transcript is NOT_FOUND, and so is one in the trash."""
    return _named(Transcript.objects.filter(owner=user, trashed_at=None).select_related("job", "media"), ref)


def live_stream_for(user: User, session: str) -> LiveStream:
    """By its public id, for the day after its end. Raises NOT_FOUND."""
    mine = LiveStream.objects.filter(owner=user, public_id=session) if session.isprintable() else None
    stream = mine.first() if mine is not None else None
    if stream is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return stream


def _named(found: QuerySet[Transcript], ref: str) -> Transcript:
    # PostgreSQL refuses to look for NUL; no name here has one.
    names = Q(slug=ref) | Q(public_id=ref) if ref.isprintable() else Q(pk=None)
    # More digits than a key can have would be an error in the database, not a miss.
    if ref.isascii() and ref.isdigit() and len(ref) < 19:
        names |= Q(pk=int(ref))
    named = found.filter(names).order_by("pk").first()
    if named is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return named


def anonymous_transcript(token: str) -> Transcript:
    found = None
    if token and token.isprintable():
        found = (
            Transcript.objects.filter(view_token=token, owner=None, trashed_at=None)
            .select_related("job", "media")
            .first()
        )
    if found is None:
        message = "There is nothing here. Results without an account are kept for a limited time only."
        raise ServiceError(ErrorCode.NOT_FOUND, message)
    return found


def share_at(token: str) -> Share:
    """What a link shows. One that ended, was revoked or never was is NOT_FOUND, and so are those of
    closed accounts and of the trash."""
    key = shares.key_of(token)
    alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    alive &= Q(transcript__owner__is_active=True, transcript__trashed_at=None)
    found = Share.objects.filter(alive, key=key) if key else Share.objects.none()
    share = found.select_related(*OF_A_VERSION).first()
    if share is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return share


def shares_of(transcript: Transcript) -> QuerySet[Share]:
    """The newest first, those that ended too."""
    return transcript.shares.order_by("-created_at", "-pk")


def document(transcript: Transcript, *, words: bool = True) -> Document:
    """The canonical value every export and answer renders from, as people have corrected it. Without `words`, which are
    most of its bytes, it is enough for a page that shows text."""
    version = rows.version_of(transcript)
    given = version is None or not version.head
    segments = rows.segments_of(transcript, words=words) if version is None or given else list(rows.spoken(version))
    return Document(
        text=transcript.text if given else " ".join(segment.text for segment in segments),
        language=transcript.language or None,
        language_probability=transcript.language_probability,
        duration=(transcript.duration_ms or 0) / 1000,
        segments=tuple(segments),
        model=transcript.model,
        speakers=tuple(transcript.speakers),
        coverage=1.0 if transcript.coverage is None else transcript.coverage,
        suspect_spans=tuple(Span(**span) for span in transcript.suspect_spans),
        warnings=tuple(Notice(**notice) for notice in transcript.warnings),
        turns=tuple(Turn(**turn) for turn in transcript.turns) if given else _voices(segments),
        snr_db=transcript.snr_db,
        detection=detection_from_dict(transcript.detection),
    )


def _voices(segments: Iterable[Segment]) -> tuple[Turn, ...]:
    """Who spoke when, as people have corrected it."""
    groups = groupby(segments, key=lambda segment: segment.speaker)
    spans = ((name, list(group)) for name, group in groups if name)
    return tuple(Turn(group[0].start, max(each.end for each in group), name) for name, group in spans)


def turns(transcript: Transcript, *, words: bool = False) -> EditableDocument:
    """What an editor shows. Raises NOT_READY before there is a text."""
    if status_of(transcript.job) != "completed":
        raise ServiceError(ErrorCode.NOT_READY)
    return reading.document(transcript, words=words)


def history(transcript: Transcript, before: int | None = None, limit: int = 50) -> list[reading.Entry]:
    """What was done to the version that is shown, the last step first."""
    return reading.history(transcript, before, limit)


def history_step(transcript: Transcript, number: int) -> tuple[reading.Entry, list[reading.TurnDiff]]:
    """One step and the turns it changed. Raises NOT_FOUND."""
    return reading.diff(transcript, number)


def renamed_speakers(transcript: Transcript, number: int) -> list[tuple[str | None, str | None]]:
    """Names before and after a step, where they differ."""
    return reading.renamed(transcript, number)


def versions(transcript: Transcript) -> list[reading.VersionView]:
    """The runs over its recording, the newest first."""
    return reading.versions(transcript)


def speaker_names(user: User, limit: int = 50) -> list[str]:
    """Names that the user gave to speakers in the latest transcripts; the numbered ones that nobody chose are none."""
    latest = Transcript.objects.filter(owner=user, trashed_at=None).order_by("-id")[:limit]
    names = dict.fromkeys(name for speakers in latest.values_list("speakers", flat=True) for name in speakers)
    return [name for name in names if not NUMBERED.fullmatch(name)][:limit]


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


def stored_file(owner: User, key: str) -> StoredFile:
    """Another's file is NOT_FOUND."""
    found = StoredFile.objects.filter(owner=owner, key=key).first() if key.isprintable() else None
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND, "There is no such file in your store.")
    return found


def shared_file(place: str) -> StoredFile:
    """For whoever was shown its place. One that was replaced or deleted, or is of a closed account, is NOT_FOUND."""
    found = StoredFile.objects.filter(place=place, owner__is_active=True).first()
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return found


def stored_bytes(file: StoredFile) -> "File[bytes]":
    try:
        return storage.open_file(file.place, storage.SOURCE)
    except FileNotFoundError as error:
        raise ServiceError(ErrorCode.NOT_FOUND, "That file is not there any more. Store it again.") from error


def engine_status() -> EngineStatus:
    """At most a few seconds old. Raises ENGINE_UNAVAILABLE."""
    return engine_gateway.status()


def models() -> "Sequence[ModelEntry]":
    """Every model that can be named: id, name, description, languages (how many), speed, size in bytes."""
    return engine_gateway.models()


def is_alias(model: str) -> bool:
    """Is it another vendor's name, answered by the best or the fastest model here?"""
    return engine_gateway.is_alias(model)


def languages() -> Mapping[str, str]:
    """Code to lower-case English name."""
    return engine_gateway.languages()


def languages_here() -> Mapping[str, str]:
    """Of those the ones that this server's recogniser hears; all, while no engine says which it has."""
    known = languages()
    with suppress(ServiceError):
        if engine_status().embedded:
            return {"en": known["en"]}
    return known


def webhook_endpoints_for(owner: User) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(owner=owner).order_by("pk")


def webhook_endpoint_for(owner: User, public_id: str) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.filter(owner=owner, public_id=public_id).first()
    if endpoint is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return endpoint


def webhook_deliveries_for(owner: User) -> QuerySet[WebhookDelivery]:
    """Newest first, without their bodies. One that waits for its transcript is not there yet."""
    mine = WebhookDelivery.objects.filter(owner=owner).exclude(state=WebhookDelivery.State.WAITING)
    return mine.select_related("endpoint", "transcript").defer("body", "transcript__text").order_by("-pk")


def webhook_delivery_for(owner: User, public_id: str) -> WebhookDelivery:
    delivery = webhook_deliveries_for(owner).filter(public_id=public_id).prefetch_related("history").first()
    if delivery is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return delivery
