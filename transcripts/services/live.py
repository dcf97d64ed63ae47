"""The one front door for live audio: who may stream, what it costs, and what is left of a stream when it is over."""

import logging
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from accounts.services import access, ledger, limits, rate_limits, stream_tokens, streams
from accounts.services.access import Caller
from accounts.services.ledger import Work
from accounts.services.tariffs import Tariff, tariff_of
from engine.types import Options, Segment, segment_from_dict, to_dict
from stt_site.lib import tokens
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from stt_site.lib.queue import ring
from transcripts import engine_gateway, storage
from transcripts.models import Job, JobState, LiveFinal, LiveStream, Media, Origin, Playback, Transcript
from transcripts.services import index
from transcripts.services.closing import write_segments
from transcripts.services.playback import MAKE_PLAYBACK
from transcripts.services.submit import named

logger = logging.getLogger(__name__)
listen = engine_gateway.listen
refusal = engine_gateway.refusal
AHEAD_MS = 60_000
"""So much audio beyond what has come is paid for in advance."""
KEPT = timedelta(days=1)
ABANDONED = timedelta(seconds=90)
"""Nobody has written for so long: the process that served it is gone, and its client did not come back."""


@dataclass(frozen=True, slots=True)
class Admitted:
    stream: LiveStream
    token: str
    """Resumes it."""
    covered_ms: int
    max_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """`allowed`: the key and the account are still good. `covered_ms`: how far the credits reach."""

    allowed: bool
    covered_ms: int


def check(options: Options) -> Options:
    """Raises UNKNOWN_MODEL, MODEL_UNAVAILABLE, UNSUPPORTED_LANGUAGE, ENGINE_UNAVAILABLE."""
    return engine_gateway.checked(options)


def count_visit(caller: Caller) -> None:
    """Raises RATE_LIMIT."""
    standing = rate_limits.take(caller, "work")
    if standing is not None:
        standing.require()


@transaction.atomic
def admit(caller: Caller, dialect: str, config: dict[str, Any], max_seconds: int | None = None) -> Admitted:
    """Takes a place and holds the first minute. Raises ServiceError; then nothing is held."""
    if caller.user is not None:
        access.demand_open(caller.user)
    token = new_id(43)
    stream = LiveStream.objects.create(
        public_id=f"ls_{new_id()}",
        token_hash=tokens.keyed_hash(token),
        owner=caller.user,
        caller=caller.key,
        api_key_id=caller.api_key_id,
        is_test=caller.is_test,
        config=config,
        tariff=to_dict(tariff_of(dialect)),
        seen_at=timezone.now(),
    )
    limits.take_slot(caller, stream.slot)
    if caller.user is None:
        limits.count_daily(caller)
    elif caller.is_test:
        limits.count_test(caller)
    covered = _cover(stream, AHEAD_MS)
    if covered <= 0:
        raise ServiceError(ErrorCode.INSUFFICIENT_CREDITS)
    return Admitted(stream, token, covered, _longest_ms(caller, max_seconds))


def _longest_ms(caller: Caller, max_seconds: int | None) -> int:
    longest = settings.TEST_KEY_SECONDS if caller.is_test else stream_tokens.SECONDS[caller.plan.id]
    return 1000 * min(longest, max_seconds or longest)


def _cover(stream: LiveStream, until_ms: int) -> int:
    if stream.owner is None or stream.is_test:
        return until_ms
    work = Work(Origin.LIVE, stream.api_key_id, stream.public_id)
    return streams.cover(stream.owner, stream.public_id, Tariff(**stream.tariff), until_ms, work)


def beat(stream: LiveStream, caller: Caller, received_ms: int, needed: int | None) -> Standing | None:
    """Every few seconds of a stream that lives: renews its place, pays ahead, and notes how far it is. None: another
    process has it now, or has ended it."""
    mine = LiveStream.objects.filter(pk=stream.pk, fence=stream.fence, ended_at=None)
    noted = {} if needed is None else {"needed": needed}
    if not mine.update(received_ms=received_ms, seen_at=timezone.now(), **noted):
        return None
    limits.renew_slot(stream.slot)
    if not stream_tokens.still_allowed(caller):
        return Standing(allowed=False, covered_ms=0)
    return Standing(allowed=True, covered_ms=_cover(stream, received_ms + AHEAD_MS))


@transaction.atomic
def store(stream: LiveStream, finals: Sequence[tuple[int, Segment]], needed: int) -> None:
    """Text that the client has. A second time it changes nothing."""
    LiveFinal.objects.bulk_create(
        [LiveFinal(stream=stream, seq=seq, segment=to_dict(segment)) for seq, segment in finals], ignore_conflicts=True
    )
    LiveStream.objects.filter(pk=stream.pk).update(needed=needed)


@transaction.atomic
def resume(caller: Caller, token: str, max_seconds: int | None = None) -> tuple[Admitted, list[tuple[int, Segment]]]:
    """An open stream whose process is gone, and what was said. Raises NOT_FOUND."""
    open_ones = LiveStream.objects.filter(token_hash=tokens.keyed_hash(token), caller=caller.key, ended_at=None)
    if not open_ones.update(fence=F("fence") + 1, seen_at=timezone.now()):
        raise ServiceError(ErrorCode.NOT_FOUND, "There is no such stream, or it has ended. Begin a new one.")
    stream = open_ones.select_related("owner").get()
    limits.take_slot(caller, stream.slot)
    admitted = Admitted(stream, token, _cover(stream, stream.received_ms + AHEAD_MS), _longest_ms(caller, max_seconds))
    return admitted, said_in(stream)


def said_in(stream: LiveStream) -> list[tuple[int, Segment]]:
    return [(final.seq, segment_from_dict(final.segment)) for final in stream.finals.all()]


def end(stream_id: int, received_ms: int, model: str = "", *, free: bool = False) -> int:
    """Charges what was received, once, and gives the place back. Returns the millicredits charged. Of a stream that
    went with its account nothing is left to charge. `free`: it failed, and was told that nothing is charged."""
    stream = LiveStream.objects.select_related("owner").filter(pk=stream_id).first()
    if stream is None:
        return 0
    if stream.ended_at is not None:
        return stream.charged_mc
    charged = 0
    if stream.owner is not None and not stream.is_test:
        paid_ms = 0 if free else received_ms
        charged = streams.close(stream.owner, stream.public_id, Tariff(**stream.tariff), paid_ms)
    now = timezone.now()
    LiveStream.objects.filter(pk=stream_id, ended_at=None).update(
        ended_at=now, seen_at=now, received_ms=received_ms, charged_mc=charged, model=model or stream.model
    )
    limits.free_slot(stream.slot)
    return charged


def end_abandoned() -> None:
    """Streams whose process died: what they had received is charged, their text is kept."""
    lost = LiveStream.objects.filter(ended_at=None, seen_at__lt=timezone.now() - ABANDONED)
    for stream in lost[:500]:
        logger.warning("The stream %s was abandoned; it is ended.", stream.public_id)
        end(stream.pk, stream.received_ms)


def save_forgotten() -> None:
    """Streams that were to be kept and are not: their process died, or could not write them down."""
    over = LiveStream.objects.filter(ended_at__lt=timezone.now() - ABANDONED, transcript=None, config__save=True)
    for stream in over.filter(Exists(LiveFinal.objects.filter(stream=OuterRef("pk"))))[:100]:
        sound = recording_path(stream)
        try:
            save(stream.pk, audio=sound if sound.exists() else None)
        except Exception:
            logger.exception("The stream %s could not be saved; it is tried again.", stream.public_id)


def purge() -> None:
    LiveStream.objects.filter(ended_at__lt=timezone.now() - KEPT).delete()


def recording_path(stream: LiveStream) -> Path:
    return storage.incoming_path(f"live-{stream.public_id}")


def save(stream_id: int, title: str = "", audio: Path | None = None) -> Transcript:
    """The stream's text, and its sound (raw, 16 kHz) where that was kept, as a transcript; a second time the same one.
    Raises NOT_READY while it goes on, NOT_FOUND where it went with its account."""
    if audio is None:
        return _save(stream_id, title, None)
    # Hours of sound are written before the transaction: meanwhile others want the database.
    sound = _stored_sound(audio)
    try:
        transcript = _save(stream_id, title, sound)
    except BaseException:
        storage.delete(sound.key)
        raise
    if transcript.media.key != sound.key:
        storage.delete(sound.key)
    audio.unlink(missing_ok=True)
    return transcript


@dataclass(frozen=True, slots=True)
class _Sound:
    """A WAV in the storage; `size` in bytes."""

    key: str
    size: int


def _stored_sound(raw: Path) -> _Sound:
    key = new_id(22)
    with storage.scratch_file() as wav:
        _write_wav(raw, wav)
        size = wav.stat().st_size
        storage.store(key, storage.SOURCE, wav)
    return _Sound(key, size)


@transaction.atomic
def _save(stream_id: int, title: str, sound: _Sound | None) -> Transcript:
    stream = LiveStream.objects.select_for_update().filter(pk=stream_id).first()
    if stream is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    if stream.transcript is not None:
        return stream.transcript
    if stream.ended_at is None:
        raise ServiceError(ErrorCode.NOT_READY, "The stream has not ended yet. Stop it first, then save it.")
    segments = [segment for _, segment in said_in(stream)]
    text = " ".join(segment.text for segment in segments)
    transcript = _transcript(stream, title or f"Live captions, {stream.created_at:%-d %B %Y, %H:%M} UTC", sound)
    Transcript.objects.filter(pk=transcript.pk).update(
        text=text,
        language=next((segment.language for segment in segments if segment.language), ""),
        language_probability=1.0 if segments else 0.0,
        duration_ms=stream.received_ms,
        model=stream.model,
        word_count=len(text.split()),
        coverage=1.0,
    )
    write_segments(transcript.pk, segments, transcript.version)
    if stream.owner is not None:
        index.want(transcript.pk)
    # What was asked for is done: it is not done again where the transcript is deleted later.
    LiveStream.objects.filter(pk=stream_id).update(transcript=transcript, config={**stream.config, "save": False})
    transcript.refresh_from_db()
    return transcript


def _transcript(stream: LiveStream, title: str, sound: _Sound | None) -> Transcript:
    """A recording, with or without its sound, and a job that has ended: what every transcript hangs on."""
    now = timezone.now()
    media = Media.objects.create(
        key=sound.key if sound else new_id(22),
        owner=stream.owner,
        filename="live.wav" if sound else "",
        size=sound.size if sound else 0,
        sha256="",
        format="wav" if sound else "live",
        duration_ms=stream.received_ms,
        playback=Playback.PENDING if sound else Playback.FAILED,
        removed_at=None if sound else now,
    )
    if sound:
        ring(MAKE_PLAYBACK, media.pk)
    job = Job.objects.create(
        owner=stream.owner,
        caller=stream.caller,
        media=media,
        origin=Origin.LIVE,
        options=to_dict(Options(model=stream.config.get("model"), language=stream.config.get("language"))),
        tariff=stream.tariff,
        state=JobState.SUCCEEDED,
        phase="",
        done_ms=stream.received_ms,
        total_ms=stream.received_ms,
        not_before=stream.created_at,
        charged_mc=stream.charged_mc,
        started_at=stream.created_at,
        finished_at=now,
    )
    public_id, slug = named(title)
    return Transcript.objects.create(
        public_id=public_id, slug=slug, owner=stream.owner, media=media, job=job, title=title
    )


def _write_wav(raw: Path, path: Path) -> None:
    with wave.open(str(path), "wb") as file, raw.open("rb") as samples:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        while block := samples.read(1 << 20):
            file.writeframes(block)


def balance_credits(caller: Caller) -> float | None:
    """For dialects that say it; None where nobody pays."""
    return None if caller.user is None else ledger.available_mc(caller.user) / ledger.MILLICREDITS
