"""A Transcript in the shape that POST /stt gives."""

from collections.abc import Sequence
from typing import Any

from engine.types import LanguageSource, Notice, Segment, Transcript, Turn, Word
from transcripts import selectors
from transcripts.api.dialects.sixtydb.languages import LANGUAGES
from transcripts.api.dialects.sixtydb.request import SixtyDbOrder
from transcripts.api.labels import spelled, underscored

LONG_SECONDS = 90.0
"""Longer recordings say which chunk each segment came with."""
MODES: dict[LanguageSource, str] = {"given": "fast_path", "mixed": "mixed"}


def as_json(
    transcript: Transcript, order: SixtyDbOrder, request_id: str, seconds: float, notices: Sequence[Notice]
) -> dict[str, Any]:
    """`seconds`: how long the request took. `notices` come besides the transcript's own."""
    source = _source(transcript)
    language = transcript.language if transcript.segments else None
    warnings = [*transcript.warnings, *notices]
    milliseconds = max(1, round(seconds * 1000))
    segments = [_segment(segment, transcript, order) for segment in transcript.segments]
    return {
        "request_id": request_id,
        "language": language,
        "language_name": _name(language),
        "languages": _languages(transcript) if source == "mixed" else None,
        "language_source": source,
        "duration_sec": round(transcript.duration, 3),
        "snr_db": transcript.snr_db,
        "processing_ms": milliseconds,
        "rtf": round(milliseconds / (1000 * transcript.duration), 6) if transcript.duration else None,
        "text": transcript.text,
        "segments": segments,
        "words": [word for segment in segments for word in segment["words"]],
        "warnings": [{"code": one.code, "message": one.message, "affected_segments": []} for one in warnings],
        "warning_codes": [one.code for one in warnings],
        "language_detection": {
            "mode": source,
            "candidates": _candidates(transcript),
            "segment_count": len(transcript.segments),
            "lid_calls": transcript.detection.calls,
        },
    }


def _source(transcript: Transcript) -> str:
    if transcript.duration > LONG_SECONDS:
        return "long_audio_chunked"
    return MODES.get(transcript.language_source, "lid_per_segment")


def _languages(transcript: Transcript) -> list[str]:
    return list(dict.fromkeys(segment.language for segment in transcript.segments if segment.language))


def _candidates(transcript: Transcript) -> list[str]:
    heard = [language for language, _ in transcript.detection.candidates]
    return heard or ([transcript.language] if transcript.language else [])


def _segment(segment: Segment, transcript: Transcript, order: SixtyDbOrder) -> dict[str, Any]:
    language = segment.language or transcript.language
    body: dict[str, Any] = {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "language": language,
        "language_name": _name(language),
        "text": segment.text.strip(),
        "confidence": round(segment.confidence, 4),
        "words": [_word(word, order) for word in segment.words],
    }
    if order.options.diarize:
        body["speakers"] = _speakers(segment, transcript)
    if transcript.duration > LONG_SECONDS:
        body["chunk_idx"] = segment.chunk
    return body


def _speakers(segment: Segment, transcript: Transcript) -> list[dict[str, Any]]:
    """Everybody who is heard in the segment, and when."""
    labels = spelled(transcript.speakers, underscored)
    within = [
        Turn(max(turn.start, segment.start), min(turn.end, segment.end), turn.speaker)
        for turn in transcript.turns
        if turn.start < segment.end and turn.end > segment.start
    ]
    if not within and segment.speaker:
        within = [Turn(segment.start, segment.end, segment.speaker)]
    return [
        {"speaker": labels.get(turn.speaker, turn.speaker), "start": round(turn.start, 3), "end": round(turn.end, 3)}
        for turn in within
    ]


def _word(word: Word, order: SixtyDbOrder) -> dict[str, Any]:
    body: dict[str, Any] = {"word": word.text}
    if order.times:
        body |= {"start": round(word.start, 3), "end": round(word.end, 3)}
    if order.confidence:
        body["confidence"] = round(word.probability, 4)
    if word.original is not None:
        # What keeps its sound and only changes its script was not boosted.
        body |= {"boosted": True} if _is_keyword(word, order) else {}
        body["original"] = word.original
    return body


def _is_keyword(word: Word, order: SixtyDbOrder) -> bool:
    said = word.text.casefold()
    return any(part.casefold() in said for keyword in order.options.keywords for part in keyword.term.split())


def _name(code: str | None) -> str | None:
    """Also of languages that this dialect does not list: a recording may be in one."""
    if code is None:
        return None
    return LANGUAGES[code].name if code in LANGUAGES else selectors.languages().get(code, code).title()
