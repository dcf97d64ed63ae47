"""From a stream to a transcript: the real test model, and stand-ins where behaviour in time matters."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.errors import Cancelled, MediaError, UnsupportedLanguage
from engine.letters import normalized
from engine.pipeline import AHEAD, run
from engine.protocols import LanguageGuess, Recognizer, Request, Window
from engine.scheduler import Scheduler
from engine.types import (
    SAMPLE_RATE,
    Chunk,
    Event,
    Keyword,
    Notice,
    Options,
    Progress,
    Segment,
    Span,
    Transcript,
    Word,
    chunk_from_dict,
)
from engine.workshop import Workshop
from tests.engine.speech import ENGLISH, MICRO, SPANISH, FakeStream, Pcm, noise, silence, spoken, talk, tone


@pytest.fixture(scope="module")
def whisper() -> WhisperRecognizer:
    return WhisperRecognizer(MICRO, "micro", EngineConfig(models_dir=Path("unused"), device="cpu", threads=2))


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(lanes=2)
    yield scheduler
    scheduler.close(timeout=10)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop(threads=1, room=16)
    yield workshop
    workshop.close()


@pytest.fixture
def transcribe(scheduler: Scheduler, workshop: Workshop) -> Callable[..., Transcript]:
    def transcribe(
        pcm: Pcm,
        recognizer: Recognizer,
        options: Options | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        resume: Sequence[Chunk] = (),
    ) -> Transcript:
        return run(
            FakeStream(pcm),
            options or Options(),
            door=scheduler.door(recognizer, "bulk"),
            workshop=workshop,
            on_event=on_event,
            resume=resume,
        )

    return transcribe


class StandIn:
    """Says one word a second wherever there is speech, in English or what it is asked for."""

    model = "stand-in"
    languages = frozenset({"en", "fr"})
    batch_windows = 2
    call_windows = 2

    def __init__(self, guesses: Sequence[LanguageGuess] = (LanguageGuess("en", 0.9),)) -> None:
        self.guesses = list(guesses)
        self.listened: list[int] = []
        self.asked: list[str | None] = []

    def kind(self, request: Request) -> None: ...

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess:
        self.listened.append(len(windows))
        return self.guesses.pop(0)

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        self.asked += [request.language for request in requests]
        return [tuple(self._segment(span) for span in window.spans) for window in windows]

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        return ()

    @staticmethod
    def _segment(span: Span) -> Segment:
        words = tuple(Word(f"w{at}", at, at + 1, 0.9) for at in np.arange(span.start, span.end - 1))
        return Segment(span.start, span.end, " ".join(word.text for word in words) or "w", words)


def dump(transcript: Transcript) -> str:
    return json.dumps(asdict(transcript))


LONG = (*ENGLISH, *reversed(ENGLISH)) * 2


@pytest.mark.parametrize(("names", "language"), [(ENGLISH, "en"), (SPANISH, "es")])
def test_speech_becomes_text_in_its_own_language(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer, names: tuple[str, ...], language: str
) -> None:
    result = transcribe(talk(names), whisper)
    assert result.text == spoken(names)
    assert (result.language, result.model, result.suspect_spans) == (language, "micro", ())
    assert 0.5 < result.language_probability <= 1.0
    assert [segment.text for segment in result.segments] == [spoken([name]) for name in names]
    assert result.coverage > 0.95
    assert result.warnings == ()


def test_words_are_monotone_inside_their_segment_and_near_the_truth(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer
) -> None:
    pcm = talk(LONG)
    result = transcribe(pcm, whisper)
    words = [word for segment in result.segments for word in segment.words]
    assert [word.text for word in words] == spoken(LONG).split()
    assert all(word.start < word.end and 0 < word.probability <= 1 for word in words)
    assert all(left.end <= right.start for left, right in pairwise(words))
    assert words[-1].end <= result.duration == len(pcm) / SAMPLE_RATE
    for segment in result.segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
    at = 0.0
    for name, segment in zip(LONG, result.segments, strict=True):
        at += 0.7
        assert segment.start == pytest.approx(at, abs=0.25)
        at += len(talk([name])) / SAMPLE_RATE - 1.4


def test_word_times_can_be_left_out(transcribe: Callable[..., Transcript], whisper: WhisperRecognizer) -> None:
    result = transcribe(talk(ENGLISH[:2]), whisper, Options(word_timestamps=False))
    assert [segment.words for segment in result.segments] == [(), ()]
    assert result.text == spoken(ENGLISH[:2])
    assert result.coverage > 0.9


def test_a_prompt_and_translation_reach_the_model(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer
) -> None:
    prompted = transcribe(talk(ENGLISH[:3]), whisper, Options(prompt="Anna and David."))
    assert prompted.text == spoken(ENGLISH[:3])
    translated = transcribe(talk(["es_agua"]), whisper, Options(language="es", task="translate"))
    assert normalized(translated.text) == ["need", "water", "now"]


def test_a_long_prompt_does_not_break_the_model(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer
) -> None:
    result = transcribe(talk(["en_door"]), whisper, Options(prompt="unheard of names " * 300))
    assert result.duration > 0
    assert [notice.code for notice in result.warnings] == ["hints_shortened"]


def test_hints_that_nobody_heeds_are_said(transcribe: Callable[..., Transcript]) -> None:
    result = transcribe(talk(ENGLISH[:1]), StandIn(), Options(prompt="Anna"))
    assert [notice.code for notice in result.warnings] == ["hints_ignored"]
    assert transcribe(talk(ENGLISH[:1]), StandIn(), Options(keywords=(Keyword("Anna"),))).warnings == ()


class Killed(Exception):
    pass


def test_a_run_resumed_behind_any_chunk_gives_the_same_transcript(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.windows.FIRST_WINDOW", 3 * SAMPLE_RATE)
    monkeypatch.setattr("engine.windows.WINDOW_LIMIT", 4 * SAMPLE_RATE)
    monkeypatch.setattr(whisper, "batch_windows", 1)
    kill_behind_every_chunk(transcribe, whisper, talk(ENGLISH[:5]))


@pytest.mark.slow
def test_a_long_run_resumed_behind_any_chunk_gives_the_same_transcript(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer
) -> None:
    kill_behind_every_chunk(transcribe, whisper, np.tile(talk(LONG), 5))


def kill_behind_every_chunk(transcribe: Callable[..., Transcript], whisper: WhisperRecognizer, pcm: Pcm) -> None:
    chunks: list[Chunk] = []
    whole = transcribe(pcm, whisper, on_event=lambda e: chunks.append(e) if isinstance(e, Chunk) else None)
    assert len([chunk for chunk in chunks if chunk.segments]) >= 3
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    for kill_at in range(len(chunks)):
        kept: list[Chunk] = []

        def die(event: Event, kept: list[Chunk] = kept, kill_at: int = kill_at) -> None:
            if isinstance(event, Chunk):
                kept.append(chunk_from_dict(json.loads(json.dumps(asdict(event)))))
                if event.index == kill_at:
                    raise Killed

        with pytest.raises(Killed):
            transcribe(pcm, whisper, on_event=die)
        assert kept == chunks[: kill_at + 1]
        again: list[int] = []
        resumed = transcribe(
            pcm,
            whisper,
            on_event=lambda e, again=again: again.append(e.index) if isinstance(e, Chunk) else None,
            resume=kept,
        )
        assert dump(resumed) == dump(whole)
        assert again == list(range(kill_at + 1, len(chunks)))


@pytest.mark.parametrize(
    "pcm", [silence(6), noise(6), tone(6, 440), tone(6, 1000), silence(0.1)], ids=["silence", "noise", "a", "c", "bit"]
)
def test_what_is_not_speech_gives_no_text(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer, pcm: Pcm
) -> None:
    result = transcribe(pcm, whisper)
    assert (result.text, result.segments, result.language) == ("", (), None)
    assert [notice.code for notice in result.warnings] == ["no_speech_detected"]
    assert (result.coverage, result.duration) == (1.0, len(pcm) / SAMPLE_RATE)


def test_a_tone_between_sentences_adds_nothing(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer
) -> None:
    pcm = np.concatenate([talk(["en_door"]), tone(5, 1000), talk(["en_music"])])
    assert transcribe(pcm, whisper).text == spoken(["en_door", "en_music"])


def test_language_is_heard_on_speech_not_on_leading_silence(
    transcribe: Callable[..., Transcript], whisper: WhisperRecognizer
) -> None:
    result = transcribe(np.concatenate([silence(40), talk(SPANISH)]), whisper)
    assert (result.language, result.text) == ("es", spoken(SPANISH))


def test_a_doubtful_language_is_decided_on_more_speech(transcribe: Callable[..., Transcript]) -> None:
    recognizer = StandIn([LanguageGuess("fr", 0.4), LanguageGuess("en", 0.8)])
    result = transcribe(talk(ENGLISH * 4), recognizer)
    assert (result.language, result.language_probability) == ("en", 0.8)
    assert recognizer.listened == [1, 3]
    assert set(recognizer.asked) == {"en"}


def test_the_language_of_the_first_chunks_holds_for_the_rest(transcribe: Callable[..., Transcript]) -> None:
    done: list[Chunk] = []
    transcribe(talk(ENGLISH * 4), StandIn(), on_event=lambda e: done.append(e) if isinstance(e, Chunk) else None)
    recognizer = StandIn([])
    result = transcribe(talk(ENGLISH * 4), recognizer, resume=done[:1])
    assert (result.language, result.language_probability, recognizer.listened) == ("en", 0.9, [])


def test_an_unknown_language_is_refused_before_anything_is_decoded(transcribe: Callable[..., Transcript]) -> None:
    with pytest.raises(UnsupportedLanguage, match="'xx'"):
        transcribe(talk(ENGLISH), StandIn(), Options(language="xx"))


def test_warnings_of_the_decoder_come_along(scheduler: Scheduler, workshop: Workshop) -> None:
    notice = Notice("damaged", "Part of the file is damaged.")
    stream = FakeStream(talk(ENGLISH[:1]), warnings=(notice,))
    result = run(
        stream, Options(), door=scheduler.door(StandIn(), "bulk"), workshop=workshop, on_event=lambda event: None
    )
    assert result.warnings == (notice,)
    assert stream.closed


def test_a_decoder_that_fails_ends_the_run_with_its_own_error(scheduler: Scheduler, workshop: Workshop) -> None:
    class Failing(FakeStream):
        def __iter__(self) -> Iterator[Pcm]:
            yield from super().__iter__()
            raise MediaError("media_too_long")

    stream = Failing(talk(ENGLISH))
    with pytest.raises(MediaError) as caught:
        run(stream, Options(), door=scheduler.door(StandIn(), "bulk"), workshop=workshop, on_event=lambda event: None)
    assert caught.value.code == "media_too_long"
    assert stream.closed


class Stuck(StandIn):
    """Works on its first batch until it is cancelled or let go."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work, self.let_go, self.gave_up = threading.Event(), threading.Event(), threading.Event()

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        self.at_work.set()
        while not self.let_go.wait(0.01):
            if cancelled():
                self.gave_up.set()
                raise Cancelled
        return super().recognize(windows, requests, cancelled)


def test_cancel_stops_the_batch_at_work_ends_the_threads_and_closes_the_stream(
    scheduler: Scheduler, workshop: Workshop
) -> None:
    recognizer, stream = Stuck(), FakeStream(talk(ENGLISH * 10))
    before = set(threading.enumerate())

    def leave(event: Event) -> None:
        if recognizer.at_work.is_set():
            raise Killed

    with pytest.raises(Killed):
        run(stream, Options(), door=scheduler.door(recognizer, "bulk"), workshop=workshop, on_event=leave)
    assert recognizer.gave_up.wait(5)
    assert stream.closed
    left = [thread for thread in set(threading.enumerate()) - before if "features" not in thread.name]
    for thread in left:
        thread.join(5)
    assert not any(thread.is_alive() for thread in left)


def test_a_run_that_is_given_up_before_its_turn_never_begins(scheduler: Scheduler, workshop: Workshop) -> None:
    busy, met, second = threading.Event(), threading.Barrier(3), Stuck()
    others = [scheduler.door(StandIn(), "bulk").call(lambda: met.wait(20) >= 0 and busy.wait(20)) for _ in range(2)]
    met.wait(20)

    def leave(event: Event) -> None:
        if scheduler.waiting():
            raise Killed

    with pytest.raises(Killed):
        run(
            FakeStream(talk(ENGLISH)), Options(), door=scheduler.door(second, "bulk"), workshop=workshop, on_event=leave
        )
    assert scheduler.waiting() == 0
    busy.set()
    assert all(other.result(20) for other in others)
    assert not second.listened
    assert not second.at_work.is_set()


def test_decoding_runs_ahead_only_so_far(scheduler: Scheduler, workshop: Workshop) -> None:
    recognizer, stream = Stuck(), FakeStream(np.tile(talk(ENGLISH), 20))
    recognizer.batch_windows = 1
    seconds = stream.info.duration
    seen: list[float] = []

    def watch(event: Event) -> None:
        if recognizer.at_work.is_set() and isinstance(event, Progress):
            seen.append(stream.pulled)
            if len(seen) >= 3 and seen[-1] == seen[-2] == seen[-3]:
                recognizer.let_go.set()

    run(stream, Options(), door=scheduler.door(recognizer, "bulk"), workshop=workshop, on_event=watch)
    batch = recognizer.batch_windows * 60.0  # thirty seconds of speech are less than sixty of this audio
    assert max(seen[:3]) <= (AHEAD + 2) * batch
    assert (AHEAD + 2) * batch < stream.pulled == pytest.approx(seconds)


def test_progress_comes_while_the_batch_is_at_work_and_tells_what_is_done(
    scheduler: Scheduler, workshop: Workshop
) -> None:
    recognizer = Stuck()
    ticks: list[Progress] = []
    chunks: list[Chunk] = []
    caller = threading.current_thread()

    def watch(event: Event) -> None:
        assert threading.current_thread() is caller
        if isinstance(event, Chunk):
            chunks.append(event)
        else:
            ticks.append(event)
            if recognizer.at_work.is_set() and event.stalled_for > 0:
                recognizer.let_go.set()

    stream = FakeStream(talk(ENGLISH * 2))
    result = run(stream, Options(), door=scheduler.door(recognizer, "bulk"), workshop=workshop, on_event=watch)
    assert {(tick.phase, tick.total) for tick in ticks} == {("transcribing", stream.info.duration)}
    assert [tick.done for tick in ticks] == sorted(tick.done for tick in ticks)
    # The last chunk is the last thing told: the whole comes right behind it.
    assert (ticks[0].done, ticks[-1].done, chunks[-1].end) == (0.0, chunks[-2].end, result.duration)


class Doubtful(StandIn):
    """Says `first`, and when asked again `second`, both spread over the window's speech."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.prompts: list[str | None] = []

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        return [self._say(window, self.first) for window in windows]

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        self.prompts.append(request.prompt)
        return self._say(window, self.second)

    def _say(self, window: Window, text: str) -> tuple[Segment, ...]:
        words = text.split()
        if not words:
            return ()
        start, pace = window.spans[0].start, (window.spans[-1].end - window.spans[0].start) / len(words)
        spread = tuple(Word(w, start + at * pace, start + (at + 1) * pace, 0.9) for at, w in enumerate(words))
        return (Segment(spread[0].start, spread[-1].end, text, spread),)


GOOD = "open the red door"


def test_a_suspect_window_is_decoded_again_without_the_prompt_and_the_better_text_kept(
    transcribe: Callable[..., Transcript],
) -> None:
    recognizer = Doubtful("", GOOD)
    result = transcribe(talk(ENGLISH[:1]), recognizer, Options(prompt="Anna"))
    assert (result.text, result.suspect_spans, recognizer.prompts) == (GOOD, (), [None])
    worse = transcribe(talk(ENGLISH[:1]), Doubtful(" ".join(["door"] * 30), "go " * 60))
    assert worse.text == "door"
    assert [span.reason for span in worse.suspect_spans if span.reason != "no_words"] == ["loop"]


def test_speech_that_stays_without_words_is_reported(transcribe: Callable[..., Transcript]) -> None:
    result = transcribe(talk(ENGLISH[:2]), Doubtful("", ""))
    assert (result.text, result.coverage) == ("", 0.0)
    assert {span.reason for span in result.suspect_spans} == {"no_words"}
    assert [notice.code for notice in result.warnings] == ["no_speech_detected"]
