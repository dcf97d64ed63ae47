"""A transcript as a stream of timed units, the atoms that captions are made of. Integer milliseconds from here on."""

import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from engine.types import Segment, Transcript
from transcripts.exports.languages import HALF, SPACELESS, guess_language, limits, phrases, width
from transcripts.exports.text import clean, to_ms
from transcripts.exports.turns import touches

# Comparing edited text with the recognised words is quadratic; beyond this many atoms times are spread evenly.
_COMPARABLE = 3000


class Unit(NamedTuple):
    """A stretch of text that no line or caption breaks: a word, or a phrase where words are not set apart."""

    text: str
    start: int
    end: int
    speaker: str | None
    language: str
    space: bool
    """A space goes before it, unless it begins a line."""
    label: bool = False
    """The speaker's name, no spoken word."""


class _Timed(NamedTuple):
    text: str
    start: int
    end: int


def units(transcript: Transcript, *, labels: bool) -> list[Unit]:
    """In the transcript's order, starts rising, nothing behind the end of the media.

    `labels`: the speaker's name goes before the first word of each change of voice.
    """
    last_ms = to_ms(transcript.duration) or sys.maxsize
    result: list[Unit] = []
    speaker: str | None = None
    for segment in transcript.segments:
        follows = result[-1].text[-1] if result else ""
        for unit in _segment_units(segment, transcript.language, follows):
            start = min(max(unit.start, result[-1].start if result else 0), last_ms)
            if labels and unit.speaker and unit.speaker != speaker:
                result.append(_label(unit, start))
                unit = unit._replace(space=True)
            speaker = unit.speaker
            result.append(unit._replace(start=start, end=max(start, min(unit.end, last_ms))))
    return result


def _label(unit: Unit, start: int) -> Unit:
    """At most half a line, so that there is room for words."""
    room = limits(unit.language).line * HALF // 2
    name = unit.speaker or ""
    if width(f"{name}:", unit.language) > room:
        while name and width(f"{name}…:", unit.language) > room:
            name = name[:-1]
        name = f"{name.rstrip()}…"
    return unit._replace(text=f"{name}:", start=start, end=start, space=True, label=True)


def _segment_units(segment: Segment, transcript_language: str | None, follows: str) -> Iterator[Unit]:
    text = clean(segment.text) or clean(" ".join(word.text for word in segment.words))
    if not text:
        return
    start, end = to_ms(segment.start), max(to_ms(segment.start), to_ms(segment.end))
    words = [
        _Timed(clean(word.text), to_ms(word.start), max(to_ms(word.start), to_ms(word.end)))
        for word in segment.words
        if clean(word.text)
    ]
    language = segment.language or transcript_language or guess_language(text)
    speaker = clean(segment.speaker) or None if segment.speaker else None
    if SPACELESS.search(text):
        timed = _phrases(text, words, language, start, end)
    else:
        timed = ((atom, True) for atom in _align(text.split(), words, start, end))
    for index, (atom, space) in enumerate(timed):
        if index == 0:
            space = not (follows and touches(follows, text[0]))
        yield Unit(atom.text, atom.start, atom.end, speaker, language, space)


def _phrases(text: str, words: Sequence[_Timed], language: str, start: int, end: int) -> Iterator[tuple[_Timed, bool]]:
    letters = _align(
        [letter for letter in text if letter != " "],
        [letter for word in words for letter in _spread(word.text.replace(" ", ""), word.start, word.end)],
        start,
        end,
    )
    at = 0
    for chunk in text.split(" "):
        for index, phrase in enumerate(phrases(chunk, language)):
            covered = letters[at : at + len(phrase)]
            at += len(phrase)
            yield _Timed(phrase, covered[0].start, max(letter.end for letter in covered)), index == 0


def _align(atoms: Sequence[str], words: Sequence[_Timed], start: int, end: int) -> list[_Timed]:
    """Give each atom of the text the times of the recognised word it still equals.

    An edited run is spread inside the bounds of the words it replaces, so that no other word moves.
    """
    if len(atoms) == len(words) and all(atom == word.text for atom, word in zip(atoms, words, strict=True)):
        return list(words)
    if not words:
        return _spread(atoms, start, end)
    if max(len(atoms), len(words)) > _COMPARABLE:
        return _spread(atoms, words[0].start, words[-1].end)
    result: list[_Timed] = []
    matcher = SequenceMatcher(None, [word.text for word in words], list(atoms), autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "insert":
            low = words[i1 - 1].end if i1 else min(start, words[0].start)
            high = words[i1].start if i1 < len(words) else max(end, words[-1].end)
            result += _spread(atoms[j1:j2], low, high)
        elif i2 - i1 == j2 - j1:
            result += [word._replace(text=atom) for word, atom in zip(words[i1:i2], atoms[j1:j2], strict=True)]
        elif j2 > j1:
            result += _spread(atoms[j1:j2], words[i1].start, words[i2 - 1].end)
    return result


def _spread(atoms: Sequence[str], start: int, end: int) -> list[_Timed]:
    """By length: a longer word takes longer to say."""
    total = sum(len(atom) for atom in atoms)
    span = max(0, end - start)
    result, done = [], 0
    for atom in atoms:
        begin = start + span * done // total
        done += len(atom)
        result.append(_Timed(atom, begin, start + span * done // total))
    return result
