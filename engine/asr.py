"""One batch of windows to one chunk: ask, doubt, try again, keep the better, report what stays doubtful."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.channels import attributed
from engine.hints import hint_text
from engine.keywords import Vocabulary
from engine.language import Tongues, by_language, found_by
from engine.postprocess import tidied
from engine.protocols import LanguageGuess, Recognizer, Request, TakesHints, Window
from engine.quality import Verdict, inspect, without_loops, without_unspoken
from engine.snr import DROPPED, too_noisy
from engine.types import Chunk, Notice, Options, Segment, Span
from engine.vad import overlap, to_seconds
from engine.windows import Batch
from engine.words import snapped

Texts = list[tuple[Segment, ...]]
Judged = tuple[tuple[Segment, ...], Verdict]
InTurn = Callable[[Callable[[], Texts]], Texts]
"""Runs a function when this job's turn on the device has come, and waits for it."""

HINTS_SHORTENED = Notice(
    "hints_shortened",
    "Prompt, keywords and context are more than the model can take, so the lightest keywords, the context's end or the "
    "beginning of the prompt were left out.",
)
HINTS_IGNORED = Notice(
    "hints_ignored", "The recogniser that answered takes no prompt and no context, so they were not used."
)
UNSURE = -0.5
"""A second text with a score below this does not clear a window whose first text was invented."""


@dataclass(frozen=True, slots=True)
class Ear:
    """A recogniser for the length of one run: with its options, its turn on the device and its way out."""

    recognizer: Recognizer
    options: Options
    cancelled: Callable[[], bool]
    vocabulary: Vocabulary

    def deaf_to(self, batch: Batch) -> bool:
        """Is it too noisy to be worth listening to?"""
        return too_noisy(batch.levels, self.options.min_snr_db)

    def tongues(
        self,
        batch: Batch,
        windows: Sequence[Window],
        language: LanguageGuess,
        listen: Callable[[Sequence[Window]], Sequence[LanguageGuess]],
    ) -> Tongues:
        """`windows` with the language of each; cut in two where it changes, if that was asked for."""
        if language.source != "per_segment":
            return Tongues(tuple(windows), (language.language,) * len(windows))
        return by_language(windows, batch.speech, language, listen)

    def notices(self) -> tuple[Notice, ...]:
        """What of the caller's hints could not be heeded. Keywords are looked for in the text in any case."""
        asked = Request(None, self.options.task, self.options.prompt, True, self.options.keywords, self.options.context)
        if isinstance(self.recognizer, TakesHints):
            return () if self.recognizer.has_room_for(asked) else (HINTS_SHORTENED,)
        return (HINTS_IGNORED,) if asked.prompt or asked.context else ()

    def requests(self, tongues: Tongues) -> list[Request]:
        """What to ask of each window. It must not depend on the text of others: they are recognised side by side."""
        asked = self.options
        return [
            Request(language, asked.task, asked.prompt, True, asked.keywords, asked.context)
            for language in tongues.languages
        ]

    def transcribe(
        self,
        batch: Batch,
        tongues: Tongues,
        requests: Sequence[Request],
        found: Texts,
        language: LanguageGuess,
        in_turn: InTurn,
    ) -> Chunk:
        """`found` is what the recogniser made of the batch's windows and their `requests`."""
        if self.deaf_to(batch):
            whole = (Span(to_seconds(batch.start), to_seconds(batch.end), DROPPED),)
            return self._chunk(batch, (), whole, language, 0)
        segments: list[Segment] = []
        suspect: list[Span] = []
        for window, request, first in zip(tongues.windows, requests, found, strict=True):
            speech = speech_in(window, batch.speech)
            kept, verdict = judged(first, speech, hint_text(request))
            if verdict.spans:
                kept, verdict = self._second_opinion(window, request, speech, (kept, verdict), in_turn)
            segments += attributed(window, self.vocabulary.boosted(without_loops(kept)))
            suspect += verdict.spans
        segments = [replace(one, chunk=batch.index) for one in tidied(segments, self.options)]
        if self.options.channels == "speakers":
            segments.sort(key=lambda segment: segment.start)
        if not self.options.word_timestamps:
            segments = [replace(segment, words=()) for segment in segments]
        return self._chunk(batch, tuple(segments), tuple(suspect), language, tongues.calls)

    def _chunk(
        self,
        batch: Batch,
        segments: tuple[Segment, ...],
        suspect: tuple[Span, ...],
        language: LanguageGuess,
        calls: int,
    ) -> Chunk:
        return Chunk(
            index=batch.index,
            start=to_seconds(batch.start),
            end=to_seconds(batch.end),
            segments=segments,
            speech=batch.speech,
            language=language.language,
            language_probability=language.probability,
            suspect=suspect,
            detection=found_by(language, calls),
            levels=batch.levels,
        )

    def _second_opinion(
        self,
        window: Window,
        request: Request,
        speech: Sequence[Span],
        first: Judged,
        in_turn: InTurn,
    ) -> Judged:
        [again] = in_turn(lambda: [self.recognizer.recognize_again(window, without_hints(request), self.cancelled)])
        return better(first, judged(again, speech, None))


def without_hints(request: Request) -> Request:
    return replace(request, prompt=None, keywords=(), context=())


def better(first: Judged, second: Judged) -> Judged:
    """The text to keep, where the second comes from a more careful try."""
    if not second[0] or first[1].rank <= second[1].rank:
        return first
    if first[1].invented and second[1].logprob < UNSURE:
        # Forbidden to repeat itself, a model may make something else up.
        return second[0], replace(second[1], spans=first[1].spans)
    return second


def judged(segments: Sequence[Segment], speech: Sequence[Span], prompt: str | None) -> Judged:
    """What of one window's text was spoken, and what is doubtful about it."""
    kept = snapped(without_unspoken(segments, speech), speech)
    return kept, inspect(kept, speech, prompt)


def speech_in(window: Window, speech: Sequence[Span]) -> list[Span]:
    return [span for span in (window.speech or speech) if overlap(span, window.spans) > 0]
