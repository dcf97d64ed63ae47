"""What an answer may rest on: the passages that come nearest to the question."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transcripts.search import Hit
from transcripts.services.chat.cleaning import clock

MOST = 5
LIKENESS_COUNTS = 0.3
ENOUGH = 0.30
SURE = 0.65
"""Measured on the labelled set (docs/decisions/0019): of questions that a recording answers, 95 in 100 have evidence of
ENOUGH; a likeness of SURE hardly any other has."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage, and in it the sentence that comes nearest: `segment_order` is its place in the document, `start_time`
    when it is said. `score` is the cosine to the question, 0..1; where nobody can compare meanings, the share of the
    question's words that the passage has."""

    transcript_id: str
    title: str
    segment_order: int
    segment_id: int
    start_time: float
    speaker: str
    text: str
    score: float


def answers(hits: Sequence[Hit]) -> bool:
    """Does any of it speak of what was asked?"""
    return any(
        hit.shared + LIKENESS_COUNTS * (hit.likeness or 0.0) >= ENOUGH or (hit.likeness or 0.0) >= SURE for hit in hits
    )


def sources(hits: Sequence[Hit]) -> list[Source]:
    """The nearest first."""
    return sorted(map(_source, hits), key=lambda source: -source.score)


def as_json(found: Sequence[Source]) -> list[dict[str, Any]]:
    return [asdict(source) for source in found]


def times(hits: Sequence[Hit]) -> set[str]:
    """Of every sentence in them: what may be cited."""
    return {clock(part[1]) for hit in hits for part in hit.passage.parts}


def quoted(hits: Sequence[Hit], *, titles: bool) -> str:
    """The passages as a model is shown them, in the order in which they are said."""
    ordered = sorted(hits, key=lambda hit: (hit.transcript.pk, hit.passage.order))
    return "\n\n".join(_lines(hit, titles=titles) for hit in ordered)


def sentence(hit: Hit) -> str:
    """The nearest sentence as it was said, with its time."""
    return _said(hit, hit.part)


def _source(hit: Hit) -> Source:
    order, start, _, speaker = hit.passage.parts[hit.part]
    score = hit.likeness if hit.likeness is not None else hit.shared
    return Source(
        transcript_id=hit.transcript.public_id,
        title=hit.transcript.title,
        segment_order=order,
        # A segment has no other name that outlives an edit.
        segment_id=order,
        start_time=start,
        speaker=speaker,
        text=hit.passage.text,
        score=round(min(max(score, 0.0), 1.0), 4),
    )


def _lines(hit: Hit, *, titles: bool) -> str:
    lines = [_said(hit, part) for part in range(len(hit.passage.parts))]
    return "\n".join([f"Recording: {hit.transcript.title}", *lines] if titles else lines)


def _said(hit: Hit, part: int) -> str:
    _, start, _, speaker = hit.passage.parts[part]
    who = f"{speaker}: " if speaker else ""
    return f"[{clock(start)}] {who}{hit.passage.said()[part]}"
