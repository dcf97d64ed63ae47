"""The document as values: turns of segments, how they are kept as JSON, how a run becomes them. No database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from engine.types import Segment, Word
from transcripts.exports.turns import touches
from transcripts.services.editing.words import atoms, tidy, units

PAUSE_SECONDS = 2.0
"""A silence this long starts a new paragraph."""
PARAGRAPH_CHARACTERS = 480
"""A paragraph longer than this ends with the sentence."""
GAP = 2**32
"""Between the places of two turns at first: room to part a turn at every word of it."""
QUALITY = {"avg_logprob": 0.0, "no_speech_prob": 0.0, "compression_ratio": 1.0, "temperature": 0.0, "chunk": 0}
"""What is said of a segment, and left out of its JSON where it says nothing."""

Packed = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Speaker:
    id: int
    name: str


@dataclass(frozen=True)
class TurnState:
    """One turn as it stands. `key` is its id in the version, `place` orders it, `rev` is the edit that touched it last.
    It has at least one segment; one that was emptied keeps its time. `speaker` is a Speaker's id."""

    key: int
    place: int
    speaker: int | None
    segments: tuple[Segment, ...]
    rev: int = field(default=0, compare=False)

    @cached_property
    def text(self) -> str:
        return joined(self.segments)

    @property
    def start(self) -> float:
        return self.segments[0].start

    @property
    def end(self) -> float:
        return max(segment.end for segment in self.segments)

    @property
    def language(self) -> str | None:
        return self.segments[0].language

    @property
    def words(self) -> list[Word]:
        return [word for segment in self.segments for word in segment.words]

    @property
    def word_count(self) -> int:
        return sum(len(segment.text.split()) for segment in self.segments)


def joined(segments: Sequence[Segment]) -> str:
    """Their texts in one line. Scripts that write no spaces get none between two sentences."""
    text = ""
    for segment in segments:
        piece = tidy(segment.text)
        text += piece if not text or not piece or touches(text[-1], piece[0]) else f" {piece}"
    return text


def paragraphs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """A paragraph ends with its speaker or language, at a long pause, or when it grows too long."""
    group: list[Segment] = []
    size = 0
    for segment in segments:
        if group and (size > PARAGRAPH_CHARACTERS or _parted(group[-1], segment)):
            yield group
            group, size = [], 0
        group.append(segment)
        size += len(segment.text)
    if group:
        yield group


def _parted(before: Segment, segment: Segment) -> bool:
    return (
        segment.speaker != before.speaker
        or segment.language != before.language
        or segment.start - before.end >= PAUSE_SECONDS
    )


def speakers_of(names: Sequence[str], segments: Sequence[Segment]) -> list[Speaker]:
    """`names` as the run lists them, and any that only a segment says."""
    said = (segment.speaker for segment in segments if segment.speaker)
    return [Speaker(number, name) for number, name in enumerate(dict.fromkeys([*names, *said]), start=1)]


def derived(segments: Sequence[Segment], speakers: Sequence[Speaker], rev: int = 0) -> list[TurnState]:
    """The turns of a run that nobody has edited: always the same, so their keys can be named before there are rows.
    `rev` tells them from turns of other versions."""
    ids = {speaker.name: speaker.id for speaker in speakers}
    return [
        TurnState(key, (key + 1) * GAP, ids.get(group[0].speaker or ""), _unnamed(group), rev)
        for key, group in enumerate(paragraphs(segments))
    ]


def _unnamed(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    return tuple(replace(segment, speaker=None) for segment in segments)


def cut(segments: Sequence[Segment], count: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The segments parted behind their first `count` atoms."""
    left: list[Segment] = []
    for index, segment in enumerate(segments):
        here = len(atoms(segment.text))
        if count < here:
            halves = _cut_one(segment, count) if count else ((), (segment,))
            return (*left, *halves[0]), (*halves[1], *segments[index + 1 :])
        left.append(segment)
        count -= here
    return tuple(left), ()


def _cut_one(segment: Segment, count: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    at = atoms(segment.text)[count].start
    first: list[Word] = []
    for unit in units(0, segment):
        if count <= 0:
            break
        first += unit.words
        count -= len(unit.atoms)
    taken = segment.words.index(first[-1]) + 1 if first else 0
    first, last = list(segment.words[:taken]), segment.words[taken:]
    middle = segment.start + (segment.end - segment.start) * at / len(segment.text)
    end, start = (first[-1].end if first else middle), (last[0].start if last else middle)
    if not segment.words:
        end = start = round(middle, 3)
    left = replace(segment, text=segment.text[:at].rstrip(), words=tuple(first), end=end)
    return (left,), (replace(segment, text=segment.text[at:], words=last, start=start),)


def with_words(segments: Sequence[Segment], words: Iterable[Word]) -> tuple[Segment, ...]:
    """As many words as there were, with another time or probability."""
    rest = iter(words)
    return tuple(_with(segment, tuple(islice(rest, len(segment.words)))) for segment in segments)


def _with(segment: Segment, words: tuple[Word, ...]) -> Segment:
    if words == segment.words:
        return segment
    start = segment.start if words[0].start == segment.words[0].start else words[0].start
    end = segment.end if words[-1].end == segment.words[-1].end else words[-1].end
    return replace(segment, words=words, start=start, end=end)


def pack(segment: Segment) -> Packed:
    """Short: a document of three hours has 28,000 words, and its history repeats many of them."""
    packed: Packed = {"start": segment.start, "end": segment.end, "text": segment.text}
    if segment.language:
        packed["language"] = segment.language
    if segment.words:
        packed["words"] = [
            [word.text, word.start, word.end, word.probability, *([word.original] if word.original else [])]
            for word in segment.words
        ]
    return packed | {name: value for name, usual in QUALITY.items() if (value := getattr(segment, name)) != usual}


def unpack(packed: Packed) -> Segment:
    return Segment(**{**packed, "words": tuple(Word(*word) for word in packed.get("words", ()))})
