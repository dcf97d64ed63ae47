"""A transcript as people read it: who spoke, from when, in paragraphs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.types import Segment, Transcript
from transcripts.exports.text import clean

# A paragraph of one voice ends at a pause, or at the end of a sentence once it is long.
PAUSE = 2.0
LONG = 600
ENDS_SENTENCE = (".", "?", "!", "…", "。", "？", "！", "؟", "۔", "।", "॥")


@dataclass(frozen=True, slots=True)
class Turn:
    speaker: str | None
    start: float
    end: float
    language: str | None
    text: str
    new_speaker: bool
    """False when this is a further paragraph of the voice before."""


def turns(transcript: Transcript, *, paragraphs: bool = True) -> list[Turn]:
    """`paragraphs` False: one turn until the voice changes, however long."""
    segments = [segment for segment in transcript.segments if clean(segment.text)]
    result: list[Turn] = []
    for group in _groups(segments, paragraphs):
        first, last = group[0], group[-1]
        result.append(
            Turn(
                speaker=_name(first),
                start=first.start,
                end=max(first.start, last.end),
                language=first.language or transcript.language,
                text=join(group),
                new_speaker=not result or result[-1].speaker != _name(first),
            )
        )
    return result


def join(segments: list[Segment]) -> str:
    """The segments' texts in one line. Scripts that write no spaces get none between two sentences."""
    text = ""
    for segment in segments:
        piece = clean(segment.text)
        text += piece if not text or not piece or touches(text[-1], piece[0]) else f" {piece}"
    return text


def _groups(segments: list[Segment], paragraphs: bool) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    length = 0
    for segment in segments:
        if group and (_name(segment) != _name(group[-1]) or (paragraphs and _new_paragraph(group, length, segment))):
            yield group
            group, length = [], 0
        group.append(segment)
        length += len(segment.text)
    if group:
        yield group


def _new_paragraph(group: list[Segment], length: int, segment: Segment) -> bool:
    if segment.start - group[-1].end >= PAUSE:
        return True
    return length >= LONG and group[-1].text.rstrip().endswith(ENDS_SENTENCE)


def _name(segment: Segment) -> str | None:
    return clean(segment.speaker) or None if segment.speaker else None


# Kana, Han, CJK punctuation and full-width forms; Hangul and Thai do write spaces between sentences.
_NO_SPACE_BETWEEN = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]{2}")


def touches(left: str, right: str) -> bool:
    return _NO_SPACE_BETWEEN.match(left + right) is not None
