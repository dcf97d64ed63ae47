"""Where an utterance that has no pause is cut, and the text with it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from engine.letters import placed, rebuilt
from engine.quality import compression_ratio
from engine.types import Segment, Word
from engine.words import SENTENCE_MARKS

TAIL = 1.0
"""Seconds before the end that are left to the next utterance: what was heard there may still change."""


def best_cut(text: Sequence[Segment], start: float, end: float) -> float:
    """Between two words of the second half: behind a sentence, else in the longest gap. Seconds, as `start`, `end`."""
    words = [word for segment in text for word in segment.words]
    latest, middle = end - TAIL, (start + end) / 2
    gaps = [(before, (before.end + after.start) / 2, after.start - before.end) for before, after in pairwise(words)]
    gaps = [gap for gap in gaps if gap[1] <= latest]
    late = [gap for gap in gaps if gap[1] >= middle]
    if sentences := [gap for gap in late if gap[0].text.endswith(SENTENCE_MARKS)]:
        return sentences[-1][1]
    if late:
        return max(late, key=lambda gap: gap[2])[1]
    return gaps[-1][1] if gaps else latest


def parted(text: Sequence[Segment], at: float) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """What is said before and behind `at`; a word belongs to where its middle lies."""

    def half(before: bool) -> tuple[Segment, ...]:
        kept = ((one, [word for word in placed(one) if (_middle(word.word) < at) == before]) for one in text)
        return tuple(rebuilt(one, words) for one, words in kept if words)

    return half(True), half(False)


def joined(text: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in text)


def one_segment(text: Sequence[Segment]) -> Segment:
    """All of it as one; at least one segment."""
    whole = joined(text)
    return replace(
        text[0],
        end=text[-1].end,
        text=whole,
        words=tuple(word for segment in text for word in segment.words),
        tokens=tuple(token for segment in text for token in segment.tokens),
        compression_ratio=round(compression_ratio(whole), 3),
        avg_logprob=min(segment.avg_logprob for segment in text),
    )


def _middle(word: Word) -> float:
    return (word.start + word.end) / 2
