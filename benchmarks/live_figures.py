"""What a live session was worth, from its log and from the words that were spoken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import quantiles

from rapidfuzz.distance import Levenshtein

from benchmarks.live_client import Session
from benchmarks.quality import Recording
from engine.letters import normalized

APART = 0.9
"""Seconds between words that are two utterances."""
TAIL = 1.0


@dataclass(slots=True)
class Figures:
    """Of one or more sessions. Latencies in seconds; `late`: utterances without any final text."""

    first: list[float] = field(default_factory=list)
    """From the beginning of an utterance to the first text of it."""
    final: list[float] = field(default_factory=list)
    """From the acoustic end of an utterance to the last of its final text."""
    stopped: list[float] = field(default_factory=list)
    """The same of the last utterance, which `stop` ends and no silence."""
    missed: int = 0
    tail: list[int] = field(default_factory=lambda: [0, 0])
    """Words within the last second of the audio: found, said."""
    appeared: int = 0
    changed: int = 0
    """Words that came on the screen, and those that left it or became others."""
    settled: int = 0
    revised: int = 0
    """Words that were called stable, and those of them that the final text does not have in their place."""
    said: int = 0
    wrong: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, session: Session, speech: Recording) -> None:
        if session.fault:
            self.faults.append(session.fault)
        self._latencies(session, utterances(speech))
        self.screen(session)
        words = [word for word, _, _ in speech.words]
        self.said += len(words)
        self.wrong += wrong_words(words, session.text)
        found, last = tail_words(speech, session.text)
        self.tail = [self.tail[0] + found, self.tail[1] + last]

    def _latencies(self, session: Session, spans: Sequence[tuple[float, float]]) -> None:
        for number, (start, end) in enumerate(spans):
            until = spans[number + 1][0] if number + 1 < len(spans) else float("inf")
            shown = [one.at for one in session.shown if one.text and one.heard > start and start < one.at < until]
            finals = [one.at for one in session.finals if one.start < end and one.end > start]
            if shown or finals:
                self.first.append(min([*shown, *finals]) - start)
            if not finals:
                self.missed += 1
            elif number + 1 < len(spans):
                self.final.append(max(finals) - end)
            else:
                self.stopped.append(max(finals) - end)

    def screen(self, session: Session) -> None:
        finals = {final.number: normalized(final.text) for final in session.finals}
        for number, shown in groupby(session.shown, key=lambda one: one.number):
            looks = list(shown)
            texts = [[], *(normalized(one.text) for one in looks), finals.get(number, [])]
            for before, after in pairwise(texts):
                steps = Levenshtein.opcodes(before, after)
                self.appeared += sum(step.dest_end - step.dest_start for step in steps if step.tag != "equal")
                self.changed += sum(step.src_end - step.src_start for step in steps if step.tag != "equal")
            stable = normalized(looks[-1].text[: looks[-1].settled])
            self.settled += len(stable)
            self.revised += sum(a != b for a, b in zip(stable, [*texts[-1], *[""] * len(stable)], strict=False))


def utterances(speech: Recording) -> list[tuple[float, float]]:
    """Where each begins and ends."""
    spans: list[tuple[float, float]] = []
    for _, start, end in speech.words:
        if spans and start - spans[-1][1] < APART:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def wrong_words(said: Sequence[str], text: str) -> int:
    return int(Levenshtein.distance(normalized(" ".join(said)), normalized(text)))


def tail_words(speech: Recording, text: str) -> tuple[int, int]:
    """(found, said) of the words that end within the last second."""
    left = [" ".join(normalized(word)) for word, _, _ in speech.words]
    first = next(at for at, (_, _, end) in enumerate(speech.words) if end > speech.words[-1][2] - TAIL)
    steps = Levenshtein.opcodes(left, normalized(text))
    found = sum(max(0, step.src_end - max(first, step.src_start)) for step in steps if step.tag == "equal")
    return found, len(left) - first


def middle(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def quantile(values: Sequence[float], share: float) -> float:
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[round(100 * share) - 1]
