"""How a recogniser listens to an utterance that is still going on.

A Whisper model is asked again and again for all of the utterance, in encoder windows as short as it is, so that a look
costs what the utterance is long. PocketSphinx goes on with its own search and is only given what is new.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np

from engine.asr import better, judged, without_hints
from engine.hints import hint_text
from engine.keywords import Vocabulary
from engine.language import among
from engine.protocols import FULL_WINDOW, Continues, LanguageGuess, Recognizer, Request, Shortens, Utterance, Window
from engine.quality import echoes, is_loop, without_loops
from engine.scheduler import Door, Scheduler
from engine.streaming.events import LiveOptions
from engine.streaming.tape import Pcm
from engine.types import SAMPLE_RATE, Segment, Span

T = TypeVar("T")
U = TypeVar("U")
Text = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """An utterance, as far as it has been heard. `speech`: where in it the detector heard somebody, in seconds."""

    pcm: Pcm
    start: int
    speech: tuple[Span, ...]
    language: str | None

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


@dataclass(frozen=True, slots=True)
class Said:
    """`guess`: what the language was taken for, where it had to be listened for."""

    text: Text
    guess: LanguageGuess | None = None


@dataclass(slots=True)
class Attention:
    """What a recogniser remembers of one utterance."""

    utterance: Utterance | None = None
    heard: int = 0
    """The sample behind what `utterance` has heard."""


class Ears(Protocol):
    """Futures come back in any order; what they raise is an EngineError or a fault."""

    speculates: bool
    """Can a text be asked for before it is certain that the utterance is over, and while another look is taken?"""
    options: LiveOptions

    def look(self, attention: Attention, stretch: Stretch) -> "Future[Said]":
        """The likeliest text so far; without words where it cannot be trusted."""
        ...

    def listen(self, attention: Attention, stretch: Stretch) -> "Future[Said]":
        """The best text, with word times."""
        ...

    def again(self, stretch: Stretch) -> "Future[Said]":
        """The text of the whole window, as a file's would be."""
        ...

    def heed(self, options: LiveOptions) -> None:
        """Listen with these from now on."""
        ...

    def leave(self) -> None: ...


def ears_for(recognizer: Recognizer, scheduler: Scheduler, options: LiveOptions) -> Ears:
    if isinstance(recognizer, Continues):
        return BitByBit(recognizer, scheduler, options)
    return WindowByWindow(recognizer, scheduler, options)


@dataclass
class _Doors:
    recognizer: Recognizer
    scheduler: Scheduler
    options: LiveOptions
    now: Door = field(init=False)
    soon: Door = field(init=False)

    def __post_init__(self) -> None:
        job, tenant = object(), self.options.tenant
        self.now = self.scheduler.door(self.recognizer, "live_final", job=job, tenant=tenant)
        self.soon = self.scheduler.door(self.recognizer, "live_partial", job=job, tenant=tenant)

    def heed(self, options: LiveOptions) -> None:
        self.options = options

    def leave(self) -> None:
        self.now.leave()
        self.soon.leave()


class WindowByWindow(_Doors):
    speculates = True

    def look(self, attention: Attention, stretch: Stretch) -> "Future[Said]":
        def trusted(said: Said) -> Said:
            text = " ".join(segment.text for segment in said.text)
            return replace(said, text=()) if is_loop(text) or echoes(text, _hints(self.options)) else said

        return then(self._ask(self.soon, stretch, quick=True), trusted)

    def listen(self, attention: Attention, stretch: Stretch) -> "Future[Said]":
        return self._ask(self.now, stretch, quick=False)

    def again(self, stretch: Stretch) -> "Future[Said]":
        request = without_hints(self._request(stretch.language, FULL_WINDOW, quick=False))
        window = _window(stretch)
        return self.now.call(lambda: Said(self.recognizer.recognize_again(window, request, lambda: self.now.left)))

    def _ask(self, door: Door, stretch: Stretch, *, quick: bool) -> "Future[Said]":
        window = _window(stretch)
        if isinstance(self.recognizer, Shortens):
            window = self.recognizer.short(window)
        frames = FULL_WINDOW if window.features is None else window.features.shape[-1]
        if stretch.language is None:
            return door.call(lambda: self._hear_language(window, frames, quick=quick, door=door))
        [found] = door.recognize([window], [self._request(stretch.language, frames, quick=quick)])
        return then(found, Said)

    def _hear_language(self, window: Window, frames: int, *, quick: bool, door: Door) -> Said:
        guess = among(self.recognizer.detect_language([window]), self.options.languages)
        request = self._request(guess.language, frames, quick=quick)
        [text] = self.recognizer.recognize([window], [request], lambda: door.left)
        return Said(text, guess)

    def _request(self, language: str | None, frames: int, *, quick: bool) -> Request:
        asked = self.options
        return Request(
            language,
            "transcribe",
            None,
            word_timestamps=not quick,
            keywords=asked.keywords,
            context=asked.context,
            frames=frames,
            quick=quick,
        )


class BitByBit(_Doors):
    """Ending an utterance cannot be taken back, so nothing is asked for ahead of time, and one thing at a time."""

    speculates = False

    def look(self, attention: Attention, stretch: Stretch) -> "Future[Said]":
        return self.soon.call(lambda: self._so_far(attention, stretch))

    def listen(self, attention: Attention, stretch: Stretch) -> "Future[Said]":
        return self.now.call(lambda: self._to_the_end(attention, stretch))

    def again(self, stretch: Stretch) -> "Future[Said]":
        return self.now.call(lambda: Said(()))

    def _so_far(self, attention: Attention, stretch: Stretch) -> Said:
        text = self._hear(attention, stretch)
        where = (stretch.start / SAMPLE_RATE, stretch.end / SAMPLE_RATE)
        return Said((Segment(*where, text, language="en"),) if text else ())

    def _to_the_end(self, attention: Attention, stretch: Stretch) -> Said:
        self._hear(attention, stretch)
        assert attention.utterance is not None
        found, attention.utterance = attention.utterance.end(), None
        return Said(tuple(shifted(segment, stretch.start / SAMPLE_RATE) for segment in found))

    def _hear(self, attention: Attention, stretch: Stretch) -> str:
        if attention.utterance is None:
            assert isinstance(self.recognizer, Continues)
            attention.utterance, attention.heard = self.recognizer.utterance(), stretch.start
        fresh = stretch.pcm[max(0, attention.heard - stretch.start) :]
        attention.heard = max(attention.heard, stretch.end)
        return attention.utterance.hear(fresh)


def doubtful(said: Said, stretch: Stretch, options: LiveOptions) -> bool:
    """Is it worth asking again for?"""
    return bool(judged(said.text, stretch.speech, _hints(options))[1].spans)


def settled(first: Said, second: Said | None, stretch: Stretch, options: LiveOptions, words: Vocabulary) -> Text:
    """What is kept of one or two answers about the same stretch."""
    kept = judged(first.text, stretch.speech, _hints(options))
    if second is not None:
        kept = better(kept, judged(second.text, stretch.speech, None))
    return words.boosted(without_loops(kept[0]))


def _hints(options: LiveOptions) -> str:
    return hint_text(Request(None, "transcribe", None, True, options.keywords, options.context))


def shifted(segment: Segment, seconds: float) -> Segment:
    return replace(
        segment,
        start=round(segment.start + seconds, 3),
        end=round(segment.end + seconds, 3),
        words=tuple(
            replace(word, start=round(word.start + seconds, 3), end=round(word.end + seconds, 3))
            for word in segment.words
        ),
    )


def then(future: "Future[T]", fn: Callable[[T], U]) -> "Future[U]":
    """`fn` runs in the thread that finished the first."""
    result: Future[U] = Future()

    def passed_on(done: "Future[T]") -> None:
        try:
            result.set_result(fn(done.result()))
        except BaseException as error:
            result.set_exception(error)

    future.add_done_callback(passed_on)
    return result


def _window(stretch: Stretch) -> Window:
    samples = stretch.pcm.astype(np.float32) / 32768.0
    return Window(samples, (Span(stretch.start / SAMPLE_RATE, stretch.end / SAMPLE_RATE),), speech=stretch.speech)
