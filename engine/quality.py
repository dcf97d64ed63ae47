"""Is this text what was said? Pure functions over words, segments and the speech that the detector heard."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.letters import bare, normalized, placed, rebuilt
from engine.phrases import is_credit, is_farewell
from engine.types import Segment, Span
from engine.vad import overlap, total

REACH = 0.3
"""Speech this close to a word counts as that word: detectors and recognisers do not agree to the frame."""
WORD_LIMIT = 2.0
"""No single word takes longer; an alignment that says so has skipped something."""
MISSED = 1.0
"""A stretch of speech at least this long without words is suspect."""
OUTSIDE = 0.3
"""A word further than this from any speech was not spoken."""
MAX_WORDS_PER_SECOND = 9.0
MAX_LETTERS_PER_SECOND = 45.0
LOOP_RATIO = 2.4
LOOP_REPEATS = 6
LOW_LOGPROB = -1.0
SILENT = 0.6
"""Whisper's own threshold for `no_speech_prob`."""
ECHO_WORDS = 4
FAREWELL_LOGPROB = -0.5
FAREWELL_SILENT = 0.3
"""A farewell to viewers passes only where the model is surer than this that somebody speaks, and of the words."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with the text of one window; `missed` is the seconds of speech that have no words."""

    spans: tuple[Span, ...]
    missed: float
    logprob: float
    invented: bool
    """The text repeats itself or the prompt, or is faster than anybody speaks."""

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Smaller is better."""
        return (self.invented, round(self.missed, 1), -self.logprob)


def inspect(segments: Sequence[Segment], speech: Sequence[Span], prompt: str | None = None) -> Verdict:
    """Judge the segments of one window against the speech in it."""
    missed = list(uncovered(segments, speech))
    spans = [Span(span.start, span.end, "no_words") for span in missed if span.end - span.start >= MISSED]
    reasons = [reason for reason, found in _invented(segments, speech, prompt) if found]
    logprob = min((segment.avg_logprob for segment in segments), default=0.0)
    whole = reasons + (["low_score"] if logprob < LOW_LOGPROB else [])
    if segments and whole:
        spans.append(Span(segments[0].start, segments[-1].end, whole[0]))
    return Verdict(tuple(sorted(spans, key=lambda span: span.start)), total(missed), logprob, bool(reasons))


def _invented(segments: Sequence[Segment], speech: Sequence[Span], prompt: str | None) -> Iterator[tuple[str, bool]]:
    text = " ".join(segment.text for segment in segments)
    yield "loop", is_loop(text)
    yield "prompt_echo", echoes(text, prompt)
    yield "word_rate", not plausible_rate(segments, total(speech))


def is_loop(text: str) -> bool:
    return compression_ratio(text) > LOOP_RATIO or _repeats(normalized(text)) is not None


def compression_ratio(text: str) -> float:
    """Whisper's measure of repetition. Short texts do not compress and score near 1."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 1.0


def _repeats(words: Sequence[str]) -> tuple[int, int, int] | None:
    """(first word, length, times) of the first run of 1 to 8 words said at least LOOP_REPEATS times in a row."""
    for length in range(1, 9):
        run = 0
        for at in range(length, len(words) + 1):
            if at < len(words) and words[at] == words[at - length]:
                run += 1
            elif run >= length * (LOOP_REPEATS - 1):
                return at - run - length, length, run // length + 1
            else:
                run = 0
    return None


def echoes(text: str, prompt: str | None) -> bool:
    """Is the text nothing but words of the prompt, in its order?"""
    said = normalized(text)
    if not prompt or len(said) < ECHO_WORDS:
        return False
    return f" {' '.join(said)} " in f" {' '.join(normalized(prompt))} "


def plausible_rate(segments: Sequence[Segment], speech_seconds: float) -> bool:
    """Could this much text have been spoken in that time? Short texts are left alone."""
    words = sum(len(segment.words) or len(segment.text.split()) for segment in segments)
    letters = sum(len(segment.text) for segment in segments)
    seconds = speech_seconds + 2 * REACH
    if words <= 4:
        return True
    return words / seconds <= MAX_WORDS_PER_SECOND and letters / seconds <= MAX_LETTERS_PER_SECOND


def uncovered(segments: Iterable[Segment], speech: Sequence[Span]) -> Iterator[Span]:
    """The parts of `speech` that no word is near to, in order."""
    said = _joined(_said(segments))
    for span in speech:
        at = span.start
        for start, end in said:
            if end <= at or start >= span.end:
                continue
            if start > at:
                yield Span(at, start)
            at = max(at, end)
        if at < span.end:
            yield Span(at, span.end)


def _said(segments: Iterable[Segment]) -> Iterator[tuple[float, float]]:
    for segment in segments:
        for word in segment.words:
            yield word.start - REACH, min(word.end, word.start + WORD_LIMIT) + REACH
        if not segment.words and segment.text:
            yield segment.start - REACH, segment.end + REACH


def _joined(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def coverage(segments: Iterable[Segment], speech: Sequence[Span]) -> float:
    """The share of speech that has words; 1 where nobody speaks."""
    seconds = total(speech)
    return 1.0 if seconds <= 0 else max(0.0, 1.0 - total(uncovered(segments, speech)) / seconds)


def without_unspoken(segments: Sequence[Segment], speech: Sequence[Span]) -> tuple[Segment, ...]:
    """Drop the words that lie outside all speech, and text that the model itself takes for silence."""
    near = [Span(start, end) for start, end in _joined((s.start - OUTSIDE, s.end + OUTSIDE) for s in speech)]
    kept = []
    for segment in segments:
        if segment.no_speech_prob > SILENT and segment.avg_logprob < LOW_LOGPROB:
            continue
        if _is_phrase(segment, speech):
            continue
        words = [one for one in placed(segment) if overlap(Span(one.word.start, one.word.end), near) > 0]
        if segment.words and len(words) < len(segment.words):
            kept += [rebuilt(segment, words)] if words else []
        elif overlap(Span(segment.start, segment.end), near) > 0:
            kept.append(segment)
    return tuple(kept)


def _is_phrase(segment: Segment, speech: Sequence[Span]) -> bool:
    """Is it one of the sentences that models write over noise?"""
    if is_credit(segment.text):
        return True
    if not is_farewell(segment.text):
        return False
    silent = segment.no_speech_prob > FAREWELL_SILENT or segment.avg_logprob < FAREWELL_LOGPROB
    whole = Span(segment.start, segment.end)
    return silent or overlap(whole, speech) < (whole.end - whole.start) / 2


def without_loops(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Where a phrase is still repeated over and over, keep it once: the repeats were not said."""
    words = [word for segment in segments for word in segment.words]
    found = _repeats([bare(word.text) for word in words])
    if found is None:
        return tuple(segments)
    first, length, times = found
    dropped = {id(word) for word in words[first + length : first + length * times]}
    if all(segment.no_speech_prob > SILENT for segment in segments):
        dropped |= {id(word) for word in words[first : first + length]}
    kept = []
    for segment in segments:
        left = [one for one in placed(segment) if id(one.word) not in dropped]
        if left or not segment.words:
            kept.append(segment if len(left) == len(segment.words) else rebuilt(segment, left))
    return without_loops(kept)
