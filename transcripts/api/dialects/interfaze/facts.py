"""What a finished transcript says by itself: all that a schema can be filled with, and that a precontext holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.types import Transcript
from transcripts.api import chunking
from transcripts.api.chunking import Part
from transcripts.api.labels import spelled, underscored

CAP_SECONDS = 5.0
NOBODY = "UNKNOWN"
"""A stretch of speech that no voice was found for."""


@dataclass(frozen=True, slots=True)
class Translation:
    text: str
    target: str
    """A language code."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`text` is what was said in `language`, a code or ''. It is None where the recogniser wrote a translation at once:
    then the chunks are those of the translation."""

    text: str | None
    language: str
    language_name: str
    duration: float
    chunks: tuple[Part, ...]
    words: tuple[Part, ...]
    turns: tuple[Part, ...]
    speakers: tuple[str, ...]
    """In order of first speech."""
    translation: Translation | None = None


def facts_of(
    transcript: Transcript, *, by_word: bool, diarized: bool, translated: bool, languages: Mapping[str, str]
) -> Facts:
    """`translated`: by the recogniser itself, which knows no other target than English."""
    labels = spelled(transcript.speakers, underscored) if diarized else {}
    segments = [
        replace(segment, speaker=labels.get(segment.speaker or "", NOBODY) if diarized else None)
        for segment in transcript.segments
    ]
    words = tuple(chunking.words(segments))
    chunks = words if by_word else tuple(chunking.parts(segments, CAP_SECONDS))
    language = transcript.language or ""
    return Facts(
        text=None if translated else transcript.text.strip(),
        language=language,
        language_name=languages.get(language, ""),
        duration=round(transcript.duration, 3),
        chunks=chunks,
        words=words,
        turns=_turns(chunks),
        speakers=tuple(dict.fromkeys(chunk.speaker for chunk in chunks if chunk.speaker and chunk.speaker != NOBODY)),
        translation=Translation(transcript.text.strip(), "en") if translated else None,
    )


def _turns(chunks: tuple[Part, ...]) -> tuple[Part, ...]:
    """Neighbours of one voice become one."""
    turns: list[Part] = []
    for chunk in chunks:
        last = turns[-1] if turns else None
        if last is not None and last.speaker == chunk.speaker:
            turns[-1] = replace(last, end=chunk.end, text=f"{last.text} {chunk.text}")
        else:
            turns.append(chunk)
    return tuple(turns)


def stt_result(facts: Facts) -> dict[str, Any]:
    return {"text": facts.text, "chunks": [_chunk(chunk) for chunk in facts.chunks]}


def precontext(facts: Facts) -> list[dict[str, Any]]:
    """The raw results behind an answer, in the order of the work."""
    found: list[dict[str, Any]] = []
    if facts.text is not None:
        found.append({"name": "stt", "result": stt_result(facts)})
    if facts.translation is not None:
        found.append({"name": "translate", "result": translate_result(facts.translation)})
    return found


def translate_result(translation: Translation) -> dict[str, Any]:
    return {
        "translated_text": translation.text,
        "source_language": "auto-detected",
        "target_language": translation.target,
        "batch_size": 1,
    }


def _chunk(chunk: Part) -> dict[str, Any]:
    body: dict[str, Any] = {"timestamp": [chunk.start, chunk.end], "text": chunk.text}
    if chunk.speaker is not None:
        body["speaker"] = chunk.speaker
    return body
