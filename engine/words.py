"""From what a recogniser heard in a window to words and segments in the file's own time."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from engine.protocols import Window
from engine.quality import compression_ratio
from engine.types import Segment, Span, Word
from engine.vad import overlap

SHORTEST = 0.01
"""Seconds; the least time between a word's start and end."""
LONG = 12.0
"""From this length on a segment ends at the next comma or small pause."""
SMALL_PAUSE = 0.25
SPEECH_EDGE = 0.12
"""How much earlier or later than the detector's speech a word may begin or end."""
SENTENCE_MARKS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")
CLAUSE_MARKS = (",", ";", ":", "、", "，", "؛")
OPENING = "\"'“‘¿¡([{«「『（《-"
ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "no.", "e.g.", "i.e.", "sr.", "sra."})


@dataclass(frozen=True, slots=True)
class Heard:
    """A word as it came: `text` with its own leading space, times in seconds from the window's start."""

    text: str
    start: float
    end: float
    probability: float
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Whisper's figures for the window that a segment comes from."""

    avg_logprob: float
    no_speech_prob: float = 0.0
    temperature: float = 0.0


def to_segments(
    window: Window, heard: Sequence[Heard], scores: Scores, language: str | None, *, pause: float
) -> tuple[Segment, ...]:
    """Sentences of the window; a silence of `pause` seconds ends one as a full stop does."""
    words = [word for word in heard if word.text.strip()]
    placed = [_place(word, window) for word in in_order(words, len(window.samples) / 16_000)]
    return tuple(_segment(group, scores, language) for group in _sentences(placed, pause))


def whole_words(pieces: Sequence[Heard], *, spaced: bool) -> list[Heard]:
    """Tokens put together as people read them: "3", ".5", "%" are one word. Not `spaced`: no spaces between words."""
    words: list[list[Heard]] = []
    for piece in pieces:
        if not piece.text:
            continue
        if words and _continues("".join(part.text for part in words[-1]), piece.text, spaced):
            words[-1].append(piece)
        else:
            words.append([piece])
    return [_one_word(parts) for parts in words]


def _continues(before: str, piece: str, spaced: bool) -> bool:
    if before.strip() and all(char in OPENING for char in before.strip()):
        return not piece.startswith(" ") or not spaced
    if piece.startswith(" ") or not before.strip():
        return False
    if spaced:
        return True
    if not any(char.isalnum() for char in piece):
        return piece not in OPENING
    number = piece[0].isdigit() and before[-1] in ".,:" and before[-2:-1].isdigit()
    return number or (_is_ascii_letter(before[-1]) and _is_ascii_letter(piece[0]))


def _is_ascii_letter(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _one_word(parts: Sequence[Heard]) -> Heard:
    """Marks have neither time nor weight beside letters."""
    spoken = [part for part in parts if any(char.isalnum() for char in part.text)] or parts
    weights = [max(1, len(part.tokens)) for part in spoken]
    mean = sum(part.probability * weight for part, weight in zip(spoken, weights, strict=True)) / sum(weights)
    return Heard(
        "".join(part.text for part in parts),
        spoken[0].start,
        spoken[-1].end,
        mean,
        tuple(token for part in parts for token in part.tokens),
    )


def in_order(words: Sequence[Heard], duration: float) -> list[Heard]:
    """One after another within 0..`duration`, each with start < end. Words that cannot fit are dropped."""
    words = words[: int(duration / SHORTEST) - 1] if duration > 2 * SHORTEST else ()
    ordered: list[Heard] = []
    at = 0.0
    for word in words:
        start = max(at, word.start)
        at = max(start + SHORTEST, word.end)
        ordered.append(replace(word, start=start, end=at))
    limit = duration
    for index in range(len(ordered) - 1, -1, -1):
        word = ordered[index]
        if word.end <= limit:
            break
        limit_start = min(word.start, limit - SHORTEST)
        ordered[index] = replace(word, start=limit_start, end=limit)
        limit = limit_start
    return ordered


def _place(word: Heard, window: Window) -> Heard:
    """The word in file time, wholly inside the stretch of audio that holds its middle."""
    ends = list(accumulate(span.end - span.start for span in window.spans))
    index = min(bisect_right(ends, (word.start + word.end) / 2), len(ends) - 1)
    span = window.spans[index]
    shift = span.end - ends[index]
    start = min(max(word.start + shift, span.start), span.end)
    end = max(min(word.end + shift, span.end), start)
    return replace(word, start=start, end=end)


def _sentences(words: Sequence[Heard], pause: float) -> Iterator[list[Heard]]:
    group: list[Heard] = []
    for word, following in pairwise([*words, None]):
        if word is None:
            break
        group.append(word)
        if following is None or _ends_segment(group, following, pause):
            yield group
            group = []


def _ends_segment(group: Sequence[Heard], following: Heard, pause: float) -> bool:
    last = group[-1].text.strip()
    silence = following.start - group[-1].end
    if silence >= pause:
        return True
    if last.endswith(SENTENCE_MARKS):
        initial = len(last) == 2 and last[0].isupper()
        return not initial and last.lower() not in ABBREVIATIONS
    too_long = group[-1].end - group[0].start >= LONG
    return too_long and (silence >= SMALL_PAUSE or last.endswith(CLAUSE_MARKS))


def _segment(group: Sequence[Heard], scores: Scores, language: str | None) -> Segment:
    text = "".join(word.text for word in group).strip()
    words = tuple(
        Word(word.text.strip(), round(word.start, 3), _floor(word.end), round(word.probability, 4)) for word in group
    )
    return Segment(
        start=words[0].start,
        end=words[-1].end,
        text=text,
        words=words,
        language=language,
        avg_logprob=round(scores.avg_logprob, 4),
        no_speech_prob=round(scores.no_speech_prob, 4),
        compression_ratio=round(compression_ratio(text), 3),
        temperature=scores.temperature,
        tokens=tuple(token for word in group for token in word.tokens),
    )


def _floor(seconds: float) -> float:
    """Down to the millisecond: a word must not end behind the audio."""
    return math.floor(seconds * 1000 + 1e-6) / 1000


def snapped(segments: Sequence[Segment], speech: Sequence[Span]) -> tuple[Segment, ...]:
    """Take the pause out of words that swallowed one: alignments let the first word begin in the silence before it."""
    result = []
    for segment in segments:
        words = tuple(_snap(word, speech) for word in segment.words)
        if words:
            segment = replace(segment, words=words, start=words[0].start, end=words[-1].end)
        result.append(segment)
    return tuple(result)


def _snap(word: Word, speech: Sequence[Span]) -> Word:
    whole = Span(word.start, word.end)
    best = max(speech, key=lambda span: overlap(whole, [span]), default=None)
    if best is None or overlap(whole, [best]) < SHORTEST:
        return word
    start = round(max(word.start, best.start - SPEECH_EDGE), 3)
    end = min(word.end, round(best.end + SPEECH_EDGE, 3))
    return replace(word, start=start, end=end)
