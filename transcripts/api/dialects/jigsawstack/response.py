import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from django.conf import settings

from engine.types import Segment, Transcript
from transcripts import selectors
from transcripts.api.chunking import Part, parts, words
from transcripts.api.dialects.jigsawstack.request import Wish
from transcripts.models import Transcript as Row
from transcripts.services import insights

TOKEN = re.compile(r"\w+|[^\w\s]")
INFERENCE_TOKENS_PER_SECOND = 10


def as_json(transcript: Transcript, wish: Wish, *, seconds: float, log_id: str) -> dict[str, Any]:
    """`seconds`: how long the work took."""
    body: dict[str, Any] = {
        "success": True,
        "text": text_of(transcript.text),
        "chunks": chunks(transcript.segments, wish),
    }
    if wish.options.diarize:
        body["speakers"] = list(_turns(transcript))
    if wish.detects:
        body |= _detected(transcript)
    if transcript.warnings:
        body["warnings"] = [{"code": notice.code, "message": notice.message} for notice in transcript.warnings]
    return body | {"_usage": _usage(transcript, wish, seconds), "log_id": log_id}


def of_row(finished: Row, wish: Wish, log_id: str) -> dict[str, Any]:
    job = finished.job
    took = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else 0.0
    return as_json(_in_language(selectors.document(finished), wish), wish, seconds=took, log_id=log_id)


def _in_language(transcript: Transcript, wish: Wish) -> Transcript:
    """Segment by segment. Raises ServiceError. Nobody knows when a word of the translation is spoken."""
    if wish.into is None:
        return transcript
    texts = insights.translated([each.text for each in transcript.segments], transcript.language or "", wish.into)
    segments = tuple(
        replace(segment, text=text, words=()) for segment, text in zip(transcript.segments, texts, strict=True)
    )
    return replace(transcript, segments=segments, text=" ".join(filter(None, texts)))


def chunks(segments: Sequence[Segment], wish: Wish) -> list[dict[str, Any]]:
    if wish.word_timestamps:
        return [_chunk(part, part.text) for part in words(segments)]
    # Whisper's leading space stays on the first part of a segment.
    return [_chunk(part, f" {part.text}" if part.first else part.text) for part in parts(segments, wish.chunk_duration)]


def text_of(text: str) -> str:
    return f" {text}" if text else ""


def _chunk(part: Part, text: str) -> dict[str, Any]:
    chunk: dict[str, Any] = {"timestamp": [part.start, part.end], "text": text}
    return chunk | {"speaker": part.speaker} if part.speaker else chunk


def _turns(transcript: Transcript) -> Iterator[dict[str, Any]]:
    """Segments of one voice in a row are one turn."""
    for speaker, group in groupby(transcript.segments, key=lambda segment: segment.speaker):
        if speaker is None:
            continue
        said = list(group)
        yield {
            "speaker": speaker,
            "timestamp": [round(said[0].start, 3), round(said[-1].end, 3)],
            "text": " ".join(segment.text.strip() for segment in said),
        }


def _detected(transcript: Transcript) -> dict[str, Any]:
    confidence = round(transcript.language_probability, 4)
    if settings.JIGSAW_LANGUAGE_OBJECT:
        return {"language_detected": {"code": transcript.language, "confidence": confidence}}
    return {"language_detected": transcript.language, "confidence": confidence}


def _usage(transcript: Transcript, wish: Wish, seconds: float) -> dict[str, int]:
    """No model here counts tokens as the vendor's does: words and marks stand for them."""
    given = (wish.url, wish.file_store_key, wish.options.language, wish.options.translate_to)
    tokens = {
        "input_tokens": sum(len(TOKEN.findall(value)) for value in given if value),
        "output_tokens": len(TOKEN.findall(transcript.text)),
        "inference_time_tokens": math.ceil(INFERENCE_TOKENS_PER_SECOND * seconds),
    }
    return tokens | {"total_tokens": sum(tokens.values())}
