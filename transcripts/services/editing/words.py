"""New text for a stretch of speech, with the times of its words. Words that stay keep their times to the bit; a changed
run is spread inside its own bounds, so that nothing outside it ever moves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby, pairwise

import regex

from engine.types import Segment, Word
from transcripts.exports.languages import SPACELESS, phrases

_LETTERS = SPACELESS.pattern.strip("[]")
# Where words are not set apart by spaces, a letter is an atom, with the marks on it and the punctuation behind it.
_ATOM = regex.compile(rf"[{_LETTERS}]\p{{M}}*(?:(?![\p{{Ps}}\p{{Pi}}])\p{{P}})*|[^\s{_LETTERS}]+")


@dataclass(frozen=True, slots=True)
class Atom:
    """What a diff compares: `start` and `end` are its place in the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unit:
    """The least stretch of a segment that neither an atom nor a word crosses: kept whole, or changed."""

    segment: int
    text: str
    atoms: tuple[str, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the new text and its words, in the segment it belongs to."""

    segment: int
    start: int
    end: int
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A unit that stands in the new text too, from the atom `first` on."""

    index: int
    first: int


def tidy(text: str) -> str:
    """One line, single spaces, no NUL."""
    return " ".join(text.replace("\0", "").split())


def atoms(text: str) -> list[Atom]:
    return [Atom(found.group(), *found.span()) for found in _ATOM.finditer(text)]


def rewritten(segments: Sequence[Segment], text: str) -> tuple[Segment, ...]:
    """`segments` (at least one) saying `text`. A segment that nothing is left of goes, but for the last."""
    text = tidy(text)
    old = [unit for number, segment in enumerate(segments) for unit in units(number, segment)]
    new = atoms(text)
    pieces = list(_pieces(segments, old, new, text, _kept(old, new, text)))
    result = [
        _rebuilt(segments[number], list(group), text) for number, group in groupby(pieces, lambda piece: piece.segment)
    ]
    silent = replace(segments[0], end=max(segment.end for segment in segments), text="", words=())
    return tuple(result) or (silent,)


def compared(old: str, new: str) -> list[tuple[str, str]]:
    """The stretches of both texts in order: ("=", kept), ("-", gone), ("+", new)."""
    before, after = atoms(old), atoms(new)
    found: list[tuple[str, str]] = []
    a = b = 0
    for i, j, size in _matches([atom.text for atom in before], [atom.text for atom in after]):
        for sign, text, run in (("-", old, before[a:i]), ("+", new, after[b:j]), ("=", new, after[j : j + size])):
            if run:
                found.append((sign, text[run[0].start : run[-1].end]))
        a, b = i + size, j + size
    return found


def units(number: int, segment: Segment) -> Iterator[Unit]:
    """The segment's text from left to right. A word that does not stand in the text is in none."""
    spans: list[tuple[int, int, Atom | Word]] = [(atom.start, atom.end, atom) for atom in atoms(segment.text)]
    at = 0
    for word in segment.words:
        found = segment.text.find(word.text, at) if word.text else -1
        if found >= 0:
            at = found + len(word.text)
            spans.append((found, at, word))
    group: list[Atom | Word] = []
    begin = end = 0
    for start, stop, part in sorted(spans, key=lambda span: span[:2]):
        if group and start >= end:
            yield _unit(number, segment.text[begin:end], group)
            group = []
        if not group:
            begin, end = start, stop
        group.append(part)
        end = max(end, stop)
    if group:
        yield _unit(number, segment.text[begin:end], group)


def _unit(number: int, text: str, parts: Sequence[Atom | Word]) -> Unit:
    found = tuple(part.text for part in parts if isinstance(part, Atom))
    return Unit(number, text, found, tuple(part for part in parts if isinstance(part, Word)))


def _kept(old: Sequence[Unit], new: Sequence[Atom], text: str) -> list[Kept]:
    same: dict[int, int] = {}
    before = [atom for unit in old for atom in unit.atoms]
    for a, b, size in _matches(before, [atom.text for atom in new]):
        same.update((a + step, b + step) for step in range(size))
    found, at = [], 0
    for index, unit in enumerate(old):
        first, count = same.get(at), len(unit.atoms)
        whole = first is not None and all(same.get(at + step) == first + step for step in range(count))
        if whole and first is not None and text[new[first].start : new[first + count - 1].end] == unit.text:
            found.append(Kept(index, first))
        at += count
    return found


def _matches(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Equal runs. What both ends share is taken first: comparing is quadratic."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    yield 0, 0, head
    middle = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False)
    for a, b, size in middle.get_matching_blocks():
        yield a + head, b + head, size
    yield len(old) - tail, len(new) - tail, tail


def _pieces(
    segments: Sequence[Segment], old: Sequence[Unit], new: Sequence[Atom], text: str, kept: Sequence[Kept]
) -> Iterator[Piece]:
    behind = _starts_behind(old, kept, segments[-1].end)
    unit_at = atom_at = 0
    low, segment = segments[0].start, old[0].segment if old else 0
    for stays, high in zip((*kept, Kept(len(old), len(new))), behind, strict=True):
        gone, come = old[unit_at : stays.index], new[atom_at : stays.first]
        if come:
            segment = gone[0].segment if gone else segment
            words = _said(segments[segment], gone, come, text, (low, high))
            yield Piece(segment, come[0].start, come[-1].end, words)
        if stays.index < len(old):
            unit = old[stays.index]
            unit_at, atom_at = stays.index + 1, stays.first + len(unit.atoms)
            segment = unit.segment
            yield Piece(segment, new[stays.first].start, new[atom_at - 1].end, unit.words)
            low = max((word.end for word in unit.words), default=low)


def _starts_behind(old: Sequence[Unit], kept: Sequence[Kept], end: float) -> list[float]:
    """For each kept unit where its words or the next ones start, and at last the end of all."""
    starts = [end]
    for stays in reversed(kept):
        words = old[stays.index].words
        starts.append(words[0].start if words else starts[-1])
    return starts[::-1]


def _said(
    segment: Segment, gone: Sequence[Unit], come: Sequence[Atom], text: str, around: tuple[float, float]
) -> tuple[Word, ...]:
    """The words of a changed run, in the time of those that they take the place of, or between their neighbours."""
    if not segment.words and segment.text.strip():
        return ()  # it came without the times of its words, and none are made up
    before = [word for unit in gone for word in unit.words]
    said = list(_new_words(come, text, segment.language or ""))
    if len(said) == len(before):
        times = [(word.start, word.end) for word in before]
    elif before:
        last = max(word.end for word in before)
        times = _spread(said, before[0].start, max(before[0].start, min(last, around[1])))
    else:
        times = _spread(said, around[0], max(around))
    return tuple(Word(word, start, end, 1.0) for word, (start, end) in zip(said, times, strict=True))


def _new_words(come: Sequence[Atom], text: str, language: str) -> Iterator[str]:
    """Atoms that touch are a stretch without spaces: its phrases are its words."""
    begin = 0
    for index, atom in enumerate(come):
        following = come[index + 1] if index + 1 < len(come) else None
        if following is None or following.start > atom.end:
            yield from phrases(text[come[begin].start : atom.end], language)
            begin = index + 1


def _spread(said: Sequence[str], start: float, end: float) -> list[tuple[float, float]]:
    """By length: a longer word takes longer to say."""
    edges, total, done = [start], sum(map(len, said)), 0
    for word in said:
        done += len(word)
        edges.append(end if done == total else round(start + (end - start) * done / total, 3))
    edges = [min(max(edge, start), end) for edge in edges]
    return list(pairwise(edges))


def _rebuilt(segment: Segment, pieces: Sequence[Piece], text: str) -> Segment:
    """What is unchanged is the very same."""
    said = text[pieces[0].start : pieces[-1].end]
    words = tuple(word for piece in pieces for word in piece.words)
    if said == tidy(segment.text) and words == segment.words:
        return segment
    start, end = segment.start, segment.end
    if words and segment.words:
        start = start if words[0].start <= segment.words[0].start else words[0].start
        end = end if words[-1].end == segment.words[-1].end else words[-1].end
    return replace(segment, text=said, words=words, start=start, end=max(start, end))
