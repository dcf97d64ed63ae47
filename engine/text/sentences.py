"""The sentences of a transcript, with where they stand: the one thing that everything else is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex
from sentencex import get_sentence_boundaries

from engine.text.types import Answer, Line

LONGEST = 400
"""Characters; what has no full stop that long is cut, best at a comma, then at a space."""
MOST_WORDS = 45
BREAK = regex.compile(r"[\n\r]+")
BLOCK = 4000
"""Characters that are split at once: the splitter's time grows with the square of a text without spaces."""
STOP = regex.compile(r"[.!?…]\s+|[。！？।؟]\s*|\n")
NO_ABBREVIATION = regex.compile(r"(?<!\p{L})(?:bien|[Nn]o|NO)\.\s+(?=[\p{Lu}¿¡])")
"""What the splitter always takes for one ("bienio", "number"); in talk these end sentences."""
PAUSES = (", ", "; ", "、", "，", "،", " – ", " - ")


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    line: int
    at: int
    """Its first character in the lines joined by line breaks."""
    start: float | None
    speaker: str | None

    def point(self) -> Answer:
        return {"text": self.text, "line": self.line, "start": self.start, "speaker": self.speaker}


def joined(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines)


def sentences(lines: Sequence[Line], language: str | None) -> list[Sentence]:
    found: list[Sentence] = []
    at = 0
    for number, line in enumerate(lines):
        for start, end in spans(line.text, language):
            found.append(Sentence(line.text[start:end], number, at + start, line.start, line.speaker))
        at += len(line.text) + 1
    return found


def spans(text: str, language: str | None) -> Iterator[tuple[int, int]]:
    """Of each sentence its first character and the one behind its last; no blanks around it."""
    for row, stop in _rows(text):
        for block, end in _blocks(text, row, stop):
            for boundary in get_sentence_boundaries(language or "en", text[block:end]):
                start, behind = block + boundary["start_index"], block + boundary["end_index"]
                for end_of_one in NO_ABBREVIATION.finditer(text, start, behind):
                    yield from _pieces(text, start, end_of_one.end())
                    start = end_of_one.end()
                yield from _pieces(text, start, behind)


def _rows(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in BREAK.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > BLOCK:
        stops = [stop.end() for stop in STOP.finditer(text, start + BLOCK // 2, start + BLOCK)]
        cut = stops[-1] if stops else start + BLOCK
        yield start, cut
        start = cut
    yield start, end


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST or text.count(" ", start, end) > MOST_WORDS:
        cut = _cut(text, start, end)
        yield from _stripped(text, start, cut)
        start = cut
    yield from _stripped(text, start, end)


def _cut(text: str, start: int, end: int) -> int:
    """Where a stretch without a full stop is parted: in its second half if it can be."""
    farthest = min(end, start + LONGEST)
    spaces = [start + gap.start() for gap in regex.finditer(" ", text[start:farthest])][: MOST_WORDS + 1]
    if len(spaces) > MOST_WORDS:
        farthest = spaces[-1]
    middle = (start + farthest) // 2
    for pause in PAUSES:
        found = text.rfind(pause, middle, farthest)
        if found > start:
            return found + len(pause)
    return spaces[-1] + 1 if spaces and spaces[-1] >= middle else farthest


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        yield start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
