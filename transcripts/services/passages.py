"""A document cut into passages: as much as one answer needs around it, a few to a page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.types import Segment, Transcript

ENOUGH = 60
"""Words. A passage ends at the next end of a sentence, or where another begins to speak."""
MOST = 110
LETTERS_A_WORD = 6
"""Of scripts without spaces."""
LONGEST_SPEECH = 12
"""Words that another's interjection may have without ending a passage."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment within a passage: its place in the document, its start in seconds, its first letter in the text."""

    segment: int
    start: float
    at: int
    speaker: str


@dataclass(frozen=True, slots=True)
class Cut:
    start: float
    end: float
    speaker: str
    language: str
    text: str
    parts: tuple[Part, ...]


def cut(document: Transcript) -> Iterator[Cut]:
    open_: list[tuple[int, Segment]] = []
    size = 0
    for order, segment in enumerate(document.segments):
        length = _words(segment.text)
        if not length:
            continue
        if open_ and (size + length > MOST or (size >= ENOUGH // 2 and _turns(open_[-1][1], segment, length))):
            yield _passage(open_, document.language)
            open_, size = [], 0
        open_.append((order, segment))
        size += length
        if size >= ENOUGH and segment.text.rstrip().endswith((".", "?", "!", "…", "。", "？", "！", "।", "؟")):
            yield _passage(open_, document.language)
            open_, size = [], 0
    if open_:
        yield _passage(open_, document.language)


def _words(text: str) -> int:
    return max(len(text.split()), len(text.strip()) // LETTERS_A_WORD)


def _turns(before: Segment, segment: Segment, length: int) -> bool:
    return before.speaker != segment.speaker and length > LONGEST_SPEECH


def _passage(segments: Sequence[tuple[int, Segment]], language: str | None) -> Cut:
    text, parts = "", []
    share: Counter[str] = Counter()
    for order, segment in segments:
        said = " ".join(segment.text.split())
        at = len(text) + 1 if text else 0
        text = f"{text} {said}" if text else said
        parts.append(Part(order, segment.start, at, segment.speaker or ""))
        share[segment.speaker or ""] += len(said)
    first, last = segments[0][1], segments[-1][1]
    return Cut(
        start=first.start,
        end=max(last.end, first.start),
        speaker=share.most_common(1)[0][0],
        language=first.language or language or "",
        text=text,
        parts=tuple(parts),
    )
