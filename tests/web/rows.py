"""Rows as the services leave them, for pages that only show them."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.services.tariffs import tariff_of
from engine.types import Chunk, Segment, Word, to_dict
from transcripts import storage
from transcripts.models import (
    Job,
    JobChunk,
    JobState,
    LiveFinal,
    LiveStream,
    Media,
    Origin,
    Playback,
    Transcript,
    TranscriptSegment,
)
from transcripts.services import index

numbers = itertools.count(1)


def spoken(text: str, start: float, *, per_word: float = 0.4, **more: Any) -> Segment:
    """A segment whose words follow each other without a pause."""
    words = tuple(
        Word(word, round(start + i * per_word, 2), round(start + (i + 1) * per_word, 2), 0.9)
        for i, word in enumerate(text.split())
    )
    return Segment(start, round(start + len(words) * per_word, 2), text, words, **more)


TALK = (
    spoken("Good morning all.", 0.5, language="en"),
    spoken("The brief is a remote that people do not lose.", 2.2, language="en"),
    spoken("Twelve fifty a unit, which is tight.", 9.0, language="en"),
)


def transcript(
    owner: User | None = None,
    *,
    title: str = "Weekly planning",
    state: JobState = JobState.SUCCEEDED,
    segments: Sequence[Segment] = TALK,
    warnings: Sequence[dict[str, str]] = (),
    suspects: Sequence[dict[str, Any]] = (),
    playback: Playback = Playback.PENDING,
    chunks: Sequence[Chunk] = (),
    language: str = "en",
    model: str = "base",
    job: dict[str, Any] | None = None,
    **fields: Any,
) -> Transcript:
    number = next(numbers)
    done = state == JobState.SUCCEEDED
    duration = round(max((segment.end for segment in segments), default=60) * 1000) + 500
    media = Media.objects.create(
        key=f"media{number:05}",
        owner=owner,
        filename=f"recording-{number}.mp3",
        size=1_000_000,
        sha256="0" * 64,
        format="mp3",
        declared_ms=duration,
        duration_ms=duration if done else None,
        playback=playback,
    )
    run = Job.objects.create(
        owner=owner,
        caller=f"user:{owner.pk}" if owner else "ip:192.0.2.1",
        media=media,
        origin=Origin.WEB,
        options={},
        state=state,
        not_before=timezone.now(),
        total_ms=duration,
        done_ms=duration if done else 0,
        started_at=timezone.now() - timedelta(minutes=1),
        **(job or {}),
    )
    made = Transcript.objects.create(
        public_id=f"tr_{number:010}",
        slug=f"talk-{number}",
        owner=owner,
        media=media,
        job=run,
        title=title,
        view_token="" if owner else f"token{number:038}",
        duration_ms=duration if done else None,
        text=" ".join(segment.text for segment in segments) if done else "",
        language=language if done else "",
        model=model if done else "",
        word_count=sum(len(segment.words) for segment in segments) if done else 0,
        speakers=list(dict.fromkeys(s.speaker for s in segments if s.speaker)) if done else [],
        warnings=list(warnings),
        suspect_spans=list(suspects),
        expires_at=None if owner else timezone.now() + timedelta(hours=24),
        **fields,
    )
    if done:
        TranscriptSegment.objects.bulk_create(_row(made, order, segment) for order, segment in enumerate(segments))
    if done and owner:
        index.make(made.pk)
    JobChunk.objects.bulk_create(JobChunk(job=run, index=c.index, fence=1, result=to_dict(c)) for c in chunks)
    return made


def _row(made: Transcript, order: int, segment: Segment) -> TranscriptSegment:
    return TranscriptSegment(
        transcript=made,
        order=order,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        speaker=segment.speaker or "",
        language=segment.language or "",
        words=[to_dict(word) for word in segment.words],
    )


def with_playback(made: Transcript, audio: bytes, peaks: bytes = bytes(range(0, 250, 5))) -> Transcript:
    """The browser's copy of its recording is there."""
    with storage.scratch_file() as copy:
        copy.write_bytes(audio)
        storage.store(made.media.key, storage.PLAYBACK, copy)
    Media.objects.filter(pk=made.media_id).update(playback=Playback.READY, peaks=peaks)
    made.media.refresh_from_db()
    return made


def add_chunk(made: Transcript, chunk: Chunk) -> None:
    JobChunk.objects.create(job=made.job, index=chunk.index, fence=1, result=to_dict(chunk))


def captions(owner: User | None, *texts: str, ended: bool = True) -> LiveStream:
    """A live stream that said `texts`, a second each."""
    now = timezone.now()
    stream = LiveStream.objects.create(
        public_id=f"ls_{next(numbers):010}",
        token_hash=f"{next(numbers):064}",
        owner=owner,
        caller="",
        config={},
        tariff=to_dict(tariff_of("stt_ai")),
        model="base",
        received_ms=1000 * len(texts),
        seen_at=now,
        ended_at=now if ended else None,
    )
    for seq, text in enumerate(texts, 1):
        LiveFinal.objects.create(stream=stream, seq=seq, segment=to_dict(spoken(text, seq - 1.0)))
    return stream
