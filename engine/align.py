"""Who said each word: turns laid over words, and segments parted where the speaker changes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from engine.known_speakers import called, numbered
from engine.types import Segment, Transcript, Turn, Word

JITTER = 0.3
"""Seconds. Words of another voice that last shorter, in the middle or at an edge of a segment, change nothing."""
NEAR = 1.0
"""How far from any turn a word may be and still belong to the nearest."""
NUMBERED = re.compile(r"Speaker \d+")


def with_speakers(transcript: Transcript, turns: Sequence[Turn], exclusive: Sequence[Turn] = ()) -> Transcript:
    """The transcript with its words given to the speakers of `turns`; `exclusive`, one voice at a time, is believed
    where voices overlap. Speakers without a name are numbered anew, in the order of their first words."""
    if not transcript.segments or not turns:
        return transcript
    segments = list(_labelled(transcript.segments, sorted(exclusive or turns, key=_by_time)))
    order = list(_speakers(segments, turns))
    names = numbered(order, {name: name for name in order if not NUMBERED.fullmatch(name)})
    return replace(
        transcript,
        segments=tuple(replace(part, speaker=names[part.speaker]) if part.speaker else part for part in segments),
        turns=called(sorted(turns, key=_by_time), names),
        speakers=tuple(names.values()),
    )


def _by_time(turn: Turn) -> tuple[float, float]:
    return turn.start, turn.end


def _speakers(segments: Iterable[Segment], turns: Sequence[Turn]) -> Iterable[str]:
    heard = [segment.speaker for segment in segments if segment.speaker]
    return dict.fromkeys([*heard, *(turn.speaker for turn in sorted(turns, key=_by_time))])


def _labelled(segments: Iterable[Segment], turns: Sequence[Turn]) -> Iterator[Segment]:
    voices = _Voices(turns)
    for segment in segments:
        if segment.words:
            yield from _parted(segment, [voices.of(word.start, word.end) for word in segment.words])
        else:
            yield replace(segment, speaker=voices.of(segment.start, segment.end))


class _Voices:
    """Asked about one time after another, in order."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._first = 0
        self._last: str | None = None

    def of(self, start: float, end: float) -> str | None:
        """Who speaks most of this time; between equals whoever spoke last; in silence, who is nearest."""
        while self._first < len(self._turns) and self._turns[self._first].end < start - NEAR:
            self._first += 1
        shares: dict[str, float] = {}
        nearest: tuple[float, str | None] = (NEAR, None)
        for turn in self._around(end):
            shared = min(end, turn.end) - max(start, turn.start)
            if shared > 0:
                shares[turn.speaker] = shares.get(turn.speaker, 0.0) + shared
            elif -shared < nearest[0]:
                nearest = (-shared, turn.speaker)
        if shares:
            self._last = max(shares, key=lambda speaker: (round(shares[speaker], 3), speaker == self._last))
        else:
            self._last = nearest[1] or self._last
        return self._last

    def _around(self, end: float) -> Iterator[Turn]:
        for index in range(self._first, len(self._turns)):
            if self._turns[index].start > end + NEAR:
                return
            yield self._turns[index]


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring words of one speaker."""

    speaker: str | None
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return self.words[-1].end - self.words[0].start


def _parted(segment: Segment, speakers: Sequence[str | None]) -> list[Segment]:
    pairs = zip(speakers, segment.words, strict=True)
    runs = [_Run(who, tuple(word for _, word in group)) for who, group in groupby(pairs, key=lambda pair: pair[0])]
    runs = _steady(runs)
    if len(runs) == 1:
        return [replace(segment, speaker=runs[0].speaker)]
    texts = _texts(segment.text, runs)
    return [
        replace(
            segment,
            start=run.words[0].start if number else segment.start,
            end=run.words[-1].end if number < len(runs) - 1 else segment.end,
            text=text,
            words=run.words,
            speaker=run.speaker,
            tokens=() if number else segment.tokens,
        )
        for number, (run, text) in enumerate(zip(runs, texts, strict=True))
    ]


def _steady(runs: list[_Run]) -> list[_Run]:
    """Without the runs that are too short to be believed: the longest neighbour takes them."""
    while len(runs) > 1:
        at = min(range(len(runs)), key=lambda index: runs[index].seconds)
        if runs[at].seconds >= JITTER:
            break
        around = [index for index in (at - 1, at + 1) if 0 <= index < len(runs)]
        taker = runs[max(around, key=lambda index: runs[index].seconds)].speaker
        runs[at] = replace(runs[at], speaker=taker)
        runs = [
            _Run(who, tuple(word for run in group for word in run.words))
            for who, group in groupby(runs, key=lambda run: run.speaker)
        ]
    return runs


def _texts(text: str, runs: Sequence[_Run]) -> list[str]:
    """The segment's own text, cut before the first word of each run: only it knows what stands between words."""
    cuts, at = [0], 0
    for number, run in enumerate(runs):
        for word in run.words:
            found = text.find(word.text, at)
            if found < 0:
                return [" ".join(word.text for word in run.words) for run in runs]
            if number and word is run.words[0]:
                cuts.append(found)
            at = found + len(word.text)
    return [text[start:end].strip() for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]
