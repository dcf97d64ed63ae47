"""The few words of a passage that are shown for a search, with what was sought marked in them. Data, never HTML."""

from dataclasses import dataclass

from transcripts.models import Passage
from transcripts.terms import marks

AROUND = 60
LONGEST = 240
"""Letters."""


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Snippet:
    """`part` is the part of the passage that it is of."""

    part: int
    pieces: tuple[Piece, ...]


def best(passage: Passage, query: str, fallback: int = 0) -> Snippet:
    """Of the part that says most of what is sought; where none of it is said, of the part `fallback`."""
    spans = marks(passage.text, query)
    starts = [part[2] for part in passage.parts]
    if not spans:
        at = starts[fallback]
        return Snippet(fallback, _pieces(passage.text, at, min(at + LONGEST, len(passage.text)), []))
    ends = [*starts[1:], len(passage.text) + 1]
    inside = [[span for span in spans if at <= span[0] < end] for at, end in zip(starts, ends, strict=True)]
    chosen = max(range(len(starts)), key=lambda part: (len({_word(passage, span) for span in inside[part]}), -part))
    first = inside[chosen][0]
    start, end = max(first[0] - AROUND, 0), min(first[1] + LONGEST - AROUND, len(passage.text))
    return Snippet(chosen, _pieces(passage.text, start, end, spans))


def _word(passage: Passage, span: tuple[int, int]) -> str:
    return passage.text[span[0] : span[1]].lower()


def _pieces(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> tuple[Piece, ...]:
    """Cut between words where there are any."""
    if start and (space := text.find(" ", start, start + AROUND)) >= 0:
        start = space + 1
    if end < len(text) and (space := text.rfind(" ", max(start, end - AROUND), end)) > 0:
        end = space
    pieces, at = [Piece("… ")] if start else [], start
    for first, last in spans:
        if at <= first and last <= end:
            pieces += [Piece(text[at:first]), Piece(text[first:last], marked=True)]
            at = last
    pieces += [Piece(text[at:end]), Piece(" …" if end < len(text) else "")]
    return tuple(piece for piece in pieces if piece.text)
