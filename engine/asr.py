"""One batch of windows to one chunk: ask, doubt, try again, keep the better, report what stays doubtful."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.channels import attributed
from engine.protocols import LanguageGuess, Recognizer, Request, Window
from engine.quality import Verdict, inspect, without_loops, without_unspoken
from engine.types import Chunk, Options, Segment, Span
from engine.vad import overlap, to_seconds
from engine.windows import Batch
from engine.words import snapped

Texts = list[tuple[Segment, ...]]
InTurn = Callable[[Callable[[], Texts]], Texts]
"""Runs a function when this job's turn on the device has come, and waits for it."""

UNSURE = -0.5
"""A second text with a score below this does not clear a window whose first text was invented."""


@dataclass(frozen=True, slots=True)
class Ear:
    """A recogniser for the length of one run: with its options, its turn on the device and its way out."""

    recognizer: Recognizer
    options: Options
    cancelled: Callable[[], bool]

    def requests(self, windows: Sequence[Window], language: LanguageGuess) -> list[Request]:
        """What to ask of each window. It must not depend on the text of others: they are recognised side by side."""
        request = Request(language.language, self.options.task, self.options.prompt, word_timestamps=True)
        return [request] * len(windows)

    def transcribe(
        self,
        batch: Batch,
        windows: Sequence[Window],
        requests: Sequence[Request],
        found: Texts,
        language: LanguageGuess,
        in_turn: InTurn,
    ) -> Chunk:
        """`windows` are the batch's, prepared; `found` is what the recogniser made of them and their `requests`."""
        segments: list[Segment] = []
        suspect: list[Span] = []
        for window, request, first in zip(windows, requests, found, strict=True):
            speech = speech_in(window, batch.speech)
            kept, verdict = _judge(first, speech, self.options.prompt)
            if verdict.spans:
                kept, verdict = self._second_opinion(window, request, speech, (kept, verdict), in_turn)
            segments += attributed(window, without_loops(kept))
            suspect += verdict.spans
        if self.options.channels == "speakers":
            segments.sort(key=lambda segment: segment.start)
        if not self.options.word_timestamps:
            segments = [replace(segment, words=()) for segment in segments]
        return Chunk(
            index=batch.index,
            start=to_seconds(batch.start),
            end=to_seconds(batch.end),
            segments=tuple(segments),
            speech=batch.speech,
            language=language.language,
            language_probability=language.probability,
            suspect=tuple(suspect),
        )

    def _second_opinion(
        self,
        window: Window,
        request: Request,
        speech: Sequence[Span],
        first: tuple[tuple[Segment, ...], Verdict],
        in_turn: InTurn,
    ) -> tuple[tuple[Segment, ...], Verdict]:
        plain = replace(request, prompt=None)
        [again] = in_turn(lambda: [self.recognizer.recognize_again(window, plain, self.cancelled)])
        second = _judge(again, speech, None)
        if not second[0] or first[1].rank <= second[1].rank:
            return first
        if first[1].invented and second[1].logprob < UNSURE:
            # Forbidden to repeat itself, a model may make something else up.
            return second[0], replace(second[1], spans=first[1].spans)
        return second


def _judge(
    segments: Sequence[Segment], speech: Sequence[Span], prompt: str | None
) -> tuple[tuple[Segment, ...], Verdict]:
    kept = snapped(without_unspoken(segments, speech), speech)
    return kept, inspect(kept, speech, prompt)


def speech_in(window: Window, speech: Sequence[Span]) -> list[Span]:
    return [span for span in (window.speech or speech) if overlap(span, window.spans) > 0]
