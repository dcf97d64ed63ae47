"""A Transcript in the three shapes that POST /v1/transcribe gives."""

from typing import Any

from engine.types import Segment, Transcript
from transcripts.api.dialects.base import TranscriptionOrder
from transcripts.exports.base import ExportOptions, Meta
from transcripts.exports.registry import render

MEDIA_TYPES = {"txt": "text/plain; charset=utf-8", "srt": "application/x-subrip", "vtt": "text/vtt"}


def as_json(transcript: Transcript, order: TranscriptionOrder, transcript_id: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "text": transcript.text,
        "language": transcript.language,
        "duration": round(transcript.duration, 3),
        "segments": [_segment(segment, order.diarize) for segment in transcript.segments],
        "speakers": list(transcript.speakers) if order.diarize else [],
        "model": transcript.model,
        "coverage": round(transcript.coverage, 4),
        "suspect_spans": [
            {"start": round(span.start, 3), "end": round(span.end, 3), "reason": span.reason}
            for span in transcript.suspect_spans
        ],
        "warnings": [{"code": notice.code, "message": notice.message} for notice in transcript.warnings],
    }
    if transcript_id is not None:
        body["transcript_id"] = transcript_id
    return body


def _segment(segment: Segment, diarize: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text.strip(),
        "confidence": round(segment.confidence, 4),
        "words": [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)} for word in segment.words
        ],
    }
    if diarize and segment.speaker:
        body["speaker"] = segment.speaker
    return body


def as_file(transcript: Transcript, order: TranscriptionOrder, meta: Meta) -> bytes:
    if order.format == "txt":
        return _plain(transcript, order.diarize).encode()
    options = ExportOptions(disclosure=False, speakers=order.diarize)
    text = render(order.format, transcript, meta, options).body.decode("utf-8-sig")
    # A file for a player has its line ends; an answer to a program has plain ones.
    return text.replace("\r\n", "\n").encode()


def _plain(transcript: Transcript, diarize: bool) -> str:
    """The text; with speakers known a line for each turn."""
    if not (diarize and transcript.speakers):
        return transcript.text + "\n" if transcript.text else ""
    lines: list[str] = []
    last: str | None = None
    for segment in transcript.segments:
        if lines and segment.speaker == last:
            lines[-1] += f" {segment.text.strip()}"
        else:
            lines.append(f"{segment.speaker}: {segment.text.strip()}" if segment.speaker else segment.text.strip())
        last = segment.speaker
    return "".join(f"{line}\n" for line in lines)
