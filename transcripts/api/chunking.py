"""A transcript as short timed chunks, the shape that JigsawStack and Interfaze answer with.

The rule was inferred from every chunk that the vendors' own pages print: a segment longer than the cap is cut into
`k = ceil(length / cap)` parts of equal time, and part `j` of `k` takes the words from `⌊jn/k⌋` to `⌊(j+1)n/k⌋` of `n`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.types import Segment


@dataclass(frozen=True, slots=True)
class Part:
    """`text` has no space around it; `first`: it begins its segment. Times are seconds, to the millisecond."""

    start: float
    end: float
    text: str
    speaker: str | None
    first: bool
    confidence: float
    """0..1, of the word or of the whole segment."""


def parts(segments: Sequence[Segment], cap: float) -> list[Part]:
    """None is longer than `cap` seconds. A part that no word falls to is left out."""
    return [part for segment in segments for part in _cut(segment, cap)]


def words(segments: Sequence[Segment]) -> list[Part]:
    return [
        Part(round(word.start, 3), round(word.end, 3), word.text, segment.speaker, number == 0, word.probability)
        for segment in segments
        for number, word in enumerate(segment.words)
    ]


def _cut(segment: Segment, cap: float) -> Iterator[Part]:
    places = _words(segment)
    length = segment.end - segment.start
    # Without the margin a length of exactly three caps would be four parts.
    count = max(1, math.ceil(length / cap - 1e-9))
    # The same rule from the side of the words, so that a tiny cap costs nothing: word i falls to part ⌈(i+1)k/n⌉ - 1.
    part_of = [-(-(word + 1) * count // len(places)) - 1 for word in range(len(places))]
    for part, group in groupby(range(len(places)), key=part_of.__getitem__):
        mine = list(group)
        first, after = mine[0] == 0, mine[-1] + 1
        text = segment.text[0 if first else places[mine[0]] : places[after] if after < len(places) else None]
        start, end = (round(segment.start + length * edge / count, 3) for edge in (part, part + 1))
        yield Part(start, end, text.strip(), segment.speaker, first, segment.confidence)


def _words(segment: Segment) -> list[int]:
    """Where in the text each word begins. Scripts without spaces have their words from the engine only."""
    places = [match.start() for match in re.finditer(r"\S+", segment.text)]
    if len(places) >= len(segment.words):
        return places
    found, at = [], 0
    for word in segment.words:
        start = segment.text.find(word.text, at)
        if start < 0:
            return places
        found.append(start)
        at = start + len(word.text)
    return found
