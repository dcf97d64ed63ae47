"""The messages of WS /v1/stream (docs/streaming.md).

Mode A: the client configures by JSON, `text` is there only where something new is final. Mode B, for the published
SDKs: the query configures, every message has `type` and a string `text`.
"""

from typing import Any

from engine.types import Segment
from stt_site.lib.errors import ServiceError
from transcripts.streaming.said import (
    Ack,
    Corrected,
    Done,
    Failed,
    Finalized,
    Ready,
    Said,
    Shown,
    SpeechEnded,
    SpeechStarted,
    StreamEvent,
    Warned,
)

Message = dict[str, Any]


def as_sdk(event: StreamEvent, words: bool) -> Message:
    message = documented(event, words)
    message.setdefault("type", "error")
    message["text"] = message.get("text") or ""
    match event:
        case Shown(partial=partial):
            message["text"] = partial.text
        case Done(text=text):
            message |= {"type": "transcript", "text": text}
    return message


def documented(event: StreamEvent, words: bool) -> Message:
    match event:
        case Ready():
            return _ready(event)
        case Shown(partial=partial):
            return {
                "type": "partial",
                "partial": partial.text,
                "stable_chars": partial.stable,
                "seq": event.seq,
                "start": round(partial.start, 3),
                "end": round(partial.end, 3),
                "lag_ms": event.lag_ms,
            }
        case Said():
            return {
                "type": "transcript",
                "text": event.segment.text,
                "partial": "",
                "is_final": False,
                "seq": event.seq,
                "reason": event.reason,
                "segment": _segment(event.seq, event.segment, words),
                "lag_ms": event.lag_ms,
            }
        case Corrected(seq=seq, text=text):
            return {"type": "refined", "segment_id": seq, "refined": text, "phase": "canonical"}
        case Done():
            return _done(event)
        case Failed():
            return _failed(event)
        case _:
            return _small(event)


def _small(event: StreamEvent) -> Message:
    match event:
        case SpeechStarted(at=at):
            return {"type": "speech_started", "at": round(at, 3)}
        case SpeechEnded(at=at):
            return {"type": "utterance_end", "at": round(at, 3)}
        case Finalized(mark=mark):
            return {"type": "finalized", "id": mark}
        case Ack(audio_ms=audio_ms):
            return {"type": "ack", "audio_ms": audio_ms}
        case Warned(notice=notice):
            return {"type": "warning", "code": notice.code, "message": notice.message}
    raise TypeError(f"{type(event).__name__} has no message.")


def _ready(event: Ready) -> Message:
    message: Message = {
        "status": "ready",
        "type": "ready",
        "session_id": event.session,
        "resume_token": event.token,
        "model": event.model,
        "language": event.language,
        "expires_in": event.max_seconds,
        "ignored": list(event.ignored),
        "warnings": [],
    }
    if event.resumed:
        message |= {"resumed": True, "audio_ms": event.audio_ms, "seq": event.seq}
    return message


def _done(event: Done) -> Message:
    return {
        "type": "done",
        "text": "",
        "is_final": True,
        "final": True,
        **({"full_text": event.text} if event.text else {}),
        "duration": round(event.duration_ms / 1000, 3),
        "segments": event.segments,
        "seq": event.seq,
        "reason": event.reason,
        **({"transcript": event.transcript} if event.transcript else {}),
    }


def _failed(event: Failed) -> Message:
    return {
        "error": event.error.message,
        "code": event.name,
        "status": event.error.status,
        "fatal": event.fatal,
        **({"retry_after": event.error.retry_after} if event.error.retry_after else {}),
        **({"resume_token": event.token} if event.token else {}),
    }


def refusal(error: ServiceError, name: str) -> Message:
    """Of the upgrade."""
    return _failed(Failed(error, name, 0))


def _segment(seq: int, segment: Segment, words: bool) -> Message:
    found: Message = {
        "id": seq,
        "start": segment.start,
        "end": segment.end,
        "language": segment.language,
        "confidence": round(segment.confidence, 4),
    }
    if words:
        found["words"] = [
            {"word": word.text, "start": word.start, "end": word.end, "confidence": word.probability}
            for word in segment.words
        ]
    return found
