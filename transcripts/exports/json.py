"""Everything there is, for programs. Keys are stable; `version` goes up when one changes its meaning."""

import json
from typing import Any

from engine.types import Segment, Transcript, to_dict
from transcripts.exports.base import Exporter, ExportOptions, Meta

SCHEMA = "transcript"
VERSION = 1


def document(transcript: Transcript, meta: Meta) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "title": meta.title,
        "slug": meta.slug,
        "created_at": meta.created_at.isoformat(),
        "model": meta.model,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "duration": transcript.duration,
        "coverage": transcript.coverage,
        "text": transcript.text,
        "speakers": list(transcript.speakers),
        "segments": [_segment(order, segment) for order, segment in enumerate(transcript.segments)],
        "suspect_spans": [to_dict(span) for span in transcript.suspect_spans],
        "warnings": [to_dict(notice) for notice in transcript.warnings],
    }


def _segment(order: int, segment: Segment) -> dict[str, Any]:
    return {
        "order": order,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "speaker": segment.speaker,
        "language": segment.language,
        "confidence": round(segment.confidence, 4),
        "words": [
            {"word": word.text, "start": word.start, "end": word.end, "probability": word.probability}
            for word in segment.words
        ],
    }


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    data = document(transcript, meta)
    if options.disclosure:
        data = {"ai_generated": True, **data}
    # Lone surrogates cannot be written as UTF-8; \ud800 in ASCII form would be no better JSON.
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode(errors="replace")


EXPORTER = Exporter(
    id="json",
    label="JSON",
    media_type="application/json",
    extension="json",
    discloses=True,
    options=frozenset({"disclosure"}),
    body=_body,
)
