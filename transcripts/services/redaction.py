"""What identifies a person, taken out: of the text of a transcript, of its words, and of its sound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from engine.text.types import Line
from engine.types import Segment, Word
from engine.types import Transcript as Document
from transcripts import engine_gateway

MARGIN = 0.25
"""Seconds before and behind a word: recognisers do not know its edges better."""


@dataclass(frozen=True, slots=True)
class Found:
    """Part of one segment's text. `first`: what was found begins here, the label stands here."""

    label: str
    start: int
    end: int
    first: bool


def redacted(document: Document, others: Sequence[str] = ()) -> tuple[Document, list[str]]:
    """The document with `[LABEL]` in the place of each find, and `others`, such as its title, the same way."""
    found, elsewhere = _search(document.segments, others, document.language)
    segments = tuple(_without(segment, found.get(at, [])) for at, segment in enumerate(document.segments))
    text = " ".join(segment.text for segment in segments if segment.text)
    return replace(document, segments=segments, text=text if found else document.text), elsewhere


def stretches(*readings: Sequence[Segment], language: str | None) -> list[tuple[float, float]]:
    """Where it is heard by any of these readings of a recording, with a margin, in seconds and in order; what overlaps
    is one."""
    spans = sorted(span for segments in readings for span in _spans(segments, language))
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _spans(segments: Sequence[Segment], language: str | None) -> Iterator[tuple[float, float]]:
    found, _ = _search(segments, (), language)
    for at, parts in found.items():
        for part in parts:
            for start, end in _times(segments[at], part):
                yield max(0.0, start - MARGIN), end + MARGIN


def _search(
    segments: Sequence[Segment], others: Sequence[str], language: str | None
) -> tuple[dict[int, list[Found]], list[str]]:
    """By the segment's number. A number may be said over several segments, so each voice's are read as one line."""
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    for _, group in groupby(enumerate(segments), key=lambda pair: pair[1].speaker):
        pieces: list[str] = []
        for number, segment in group:
            places.append((number, at))
            pieces.append(segment.text)
            at += len(segment.text) + 1
        lines.append(" ".join(pieces))
    if not any((*lines, *others)):
        return {}, list(others)
    # One answer for all: what stands behind the last line is about the recording, not in it.
    answer = engine_gateway.extract("pii_redact", [Line(line) for line in (*lines, *others)], language=language)
    entities = [(each["label"], each["start"], each["end"]) for each in answer["entities"]]
    found: dict[int, list[Found]] = {}
    for number, begins in places:
        ends = begins + len(segments[number].text)
        for label, start, end in entities:
            if start < ends and end > begins:
                part = Found(label, max(start, begins) - begins, min(end, ends) - begins, first=start >= begins)
                found.setdefault(number, []).append(part)
    return found, _others(others, at, entities)


def _others(others: Sequence[str], at: int, entities: Sequence[tuple[str, int, int]]) -> list[str]:
    made = []
    for text in others:
        inside = [
            Found(label, max(start - at, 0), min(end - at, len(text)), first=True)
            for label, start, end in entities
            if start < at + len(text) and end > at
        ]
        made.append(_replaced(text, inside))
        at += len(text) + 1
    return made


def _replaced(text: str, found: Sequence[Found]) -> str:
    for each in sorted(found, key=lambda each: -each.start):
        text = text[: each.start] + (f"[{each.label}]" if each.first else "") + text[each.end :]
    return text.strip()


def _without(segment: Segment, found: Sequence[Found]) -> Segment:
    """Its tokens spell the text, and a word may remember what was heard in its place: both go."""
    if not found:
        return segment
    words: list[Word] = []
    begun: Found | None = None
    for word, start, end in _placed(segment):
        part = next((each for each in found if start < each.end and end > each.start), None)
        if part is None:
            words.append(word)
        elif part is begun and words:
            words[-1] = replace(words[-1], end=word.end)
        elif part.first:
            words.append(Word(f"[{part.label}]", word.start, word.end, word.probability))
        begun = part
    return replace(segment, text=_replaced(segment.text, found), words=tuple(words), tokens=())


def _times(segment: Segment, found: Found) -> list[tuple[float, float]]:
    words = [word for word, start, end in _placed(segment) if start < found.end and end > found.start]
    if not words:
        # Nobody knows when in it.
        return [(segment.start, segment.end)]
    return [(min(word.start for word in words), max(word.end for word in words))]


def _placed(segment: Segment) -> list[tuple[Word, int, int]]:
    """Each word with where it stands in the text. One that is not found stands where everything is, to be safe."""
    placed, at = [], 0
    for word in segment.words:
        start = segment.text.find(word.text, at)
        if start < 0:
            placed.append((word, 0, len(segment.text)))
        else:
            at = start + len(word.text)
            placed.append((word, start, at))
    return placed
