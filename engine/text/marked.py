"""Stretches of a text with a label, none across another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.text.types import Line

BREAK = "\x00"
"""In place of a line's end while rules read: no space, so that nothing reaches from one line into the next."""


@dataclass(frozen=True, slots=True)
class Span:
    label: str
    start: int
    end: int


def without_breaks(lines: Sequence[Line]) -> str:
    """The lines joined, as many characters as they are joined by line breaks."""
    return BREAK.join(line.text for line in lines).replace("\n", BREAK)


def apart(found: Iterable[Span], length: int) -> list[Span]:
    """Of those that overlap the one that came first; in the order of the text."""
    taken = bytearray(length)
    kept: list[Span] = []
    for span in found:
        if span.end > span.start and not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
