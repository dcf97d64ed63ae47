"""Names of a schema's fields that a transcript answers by itself, in the spellings that people use."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transcripts.api.chunking import Part
from transcripts.api.dialects.interfaze.facts import Facts


@dataclass(frozen=True, slots=True)
class At:
    """Where in an answer a value is wanted: beside the whole, or in item `number` of a list of parts."""

    facts: Facts
    answers: Mapping[str, Any]
    part: Part | None = None
    number: int = 0


Value = Callable[[At], Any]
Parts = Callable[[At], tuple[Part, ...]]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def normal(name: str) -> str:
    return _CAMEL.sub("_", name).lower().replace("-", "_").replace(" ", "_")


def _named(*rows: tuple[str, Value]) -> dict[str, Value]:
    return {name: value for names, value in rows for name in names.split()}


def names(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


TEXTS = names("text transcript transcription full_text full_transcript transcribed_text transcript_text original_text")
TRANSLATIONS = names("translated_text translation translated_transcript translated_transcription")
COUNTS = names("number_of_speakers speaker_count num_speakers speakers_count total_speakers no_of_speakers")
SPEAKERS = names("speaker speaker_id speaker_label speaker_name speaker_number speaker_index")
WORDY = names(
    "language language_code lang detected_language detected_language_code spoken_language audio_language "
    "original_language original_language_code source_language source_language_code language_name "
    "translated_language translated_language_code target_language target_language_code translation_language "
    "content word sentence utterance words"
)
"""These are never numbers."""
CONTAINERS = names("result transcript transcription transcript_data data output stt audio response metadata")
"""Objects that only hold other fields; an object of any other name means something that a transcript does not say."""

WHOLE: Mapping[str, Value] = _named(
    (" ".join(TEXTS), lambda at: at.facts.text),
    (" ".join(TRANSLATIONS), lambda at: at.facts.translation.text if at.facts.translation else None),
    (
        "language language_code lang detected_language detected_language_code spoken_language audio_language "
        "original_language original_language_code source_language source_language_code",
        lambda at: at.facts.language or None,
    ),
    ("language_name", lambda at: at.facts.language_name or None),
    (
        "translated_language translated_language_code target_language target_language_code translation_language",
        lambda at: at.facts.translation.target if at.facts.translation else None,
    ),
    (
        "duration duration_sec duration_secs duration_seconds duration_in_seconds audio_duration total_duration",
        lambda at: at.facts.duration,
    ),
    ("duration_ms duration_milliseconds", lambda at: round(at.facts.duration * 1000)),
    (
        " ".join(COUNTS),
        lambda at: len(at.facts.speakers),
    ),
    ("word_count number_of_words", lambda at: len(at.facts.words)),
)


def _item(value: Callable[[Part], Any]) -> Value:
    return lambda at: None if at.part is None else value(at.part)


ITEM: Mapping[str, Value] = _named(
    ("text transcript content word sentence utterance transcription words", _item(lambda part: part.text)),
    ("start start_time start_seconds start_sec start_s begin from start_timestamp", _item(lambda part: part.start)),
    ("end end_time end_seconds end_sec end_s to end_timestamp", _item(lambda part: part.end)),
    ("start_ms start_time_ms", _item(lambda part: round(part.start * 1000))),
    ("end_ms end_time_ms", _item(lambda part: round(part.end * 1000))),
    ("duration duration_seconds", _item(lambda part: round(part.end - part.start, 3))),
    (" ".join(SPEAKERS), _item(lambda part: part.speaker)),
    ("confidence probability", _item(lambda part: part.confidence)),
    ("id index number segment_id chunk_id", lambda at: at.number),
)
VOICED = names("turns speakers speaker_segments speaker_turns conversation dialogue diarization")
"""Lists that mean nothing where speakers are not told apart."""
PAIRS = names("timestamp timestamps time times time_range")
"""In an item: two numbers, or one that is the start."""

CHUNKS = names("result chunks segments utterances sentences timestamps transcript transcription lines")
WORDS = names("words word_timestamps")

LISTS: Mapping[str, Parts] = {
    **dict.fromkeys(CHUNKS, lambda at: at.facts.chunks),
    **dict.fromkeys(WORDS, lambda at: at.facts.words),
    **dict.fromkeys(VOICED, lambda at: at.facts.turns),
}


def words_within(at: At) -> tuple[Part, ...]:
    """Those whose middle is in the part."""
    part = at.part
    if part is None:
        return ()
    return tuple(word for word in at.facts.words if part.start <= (word.start + word.end) / 2 < part.end)
