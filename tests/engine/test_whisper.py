"""The Whisper backend on its own, with the test model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.asr import Ear
from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.errors import Cancelled
from engine.keywords import Vocabulary
from engine.language import Tongues
from engine.protocols import LanguageGuess, Request, Window
from engine.quality import is_loop
from engine.types import SAMPLE_RATE, Levels, Options, Segment, Span
from engine.windows import Batch
from tests.engine.speech import ENGLISH, MICRO, SPANISH, TEXTS, Pcm, clip, silence, spoken, talk, tone

ENGLISH_TEXT = Request("en", "transcribe", None, word_timestamps=True)


@pytest.fixture(scope="module")
def whisper() -> WhisperRecognizer:
    return WhisperRecognizer(MICRO, "micro", EngineConfig(models_dir=Path("unused"), device="cpu", threads=2))


def window(pcm: Pcm) -> Window:
    samples = pcm.astype(np.float32)
    samples /= 32768
    return Window(samples, (Span(0.0, len(pcm) / SAMPLE_RATE),))


def text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def test_each_window_gets_its_own_text_in_order(whisper: WhisperRecognizer) -> None:
    found = whisper.recognize([window(talk([name])) for name in ENGLISH[:5]], [ENGLISH_TEXT] * 5, lambda: False)
    assert [text(segments) for segments in found] == [TEXTS[name] for name in ENGLISH[:5]]


def test_a_window_alone_or_among_others_gives_the_same(whisper: WhisperRecognizer) -> None:
    windows = [window(talk([name])) for name in ENGLISH[:3]]
    together = whisper.recognize(windows, [ENGLISH_TEXT] * 3, lambda: False)
    assert [whisper.recognize([one], [ENGLISH_TEXT], lambda: False)[0] for one in windows] == together


def test_languages_and_prompts_of_many_runs_share_a_call(
    whisper: WhisperRecognizer,
) -> None:
    asked = {
        "en_door": ENGLISH_TEXT,
        "es_agua": Request("es", "transcribe", None, word_timestamps=True),
        "en_music": ENGLISH_TEXT,
        "es_puerta": Request("es", "transcribe", None, word_timestamps=True),
    }
    windows = [window(talk([name])) for name in asked]
    mixed = whisper.recognize(windows, list(asked.values()), lambda: False)
    assert [text(segments) for segments in mixed] == [TEXTS[name] for name in asked]
    assert [segments[0].language for segments in mixed] == ["en", "es", "en", "es"]
    for one, request, among in zip(windows, asked.values(), mixed, strict=True):
        [alone] = whisper.recognize([one], [request], lambda: False)
        assert [(s.text, [(w.text, w.start, w.end) for w in s.words]) for s in alone] == [
            (s.text, [(w.text, w.start, w.end) for w in s.words]) for s in among
        ]


def test_what_was_prepared_ahead_gives_the_same(whisper: WhisperRecognizer) -> None:
    plain = window(talk(ENGLISH[:2]))
    ready = whisper.prepare(plain)
    assert ready.features is not None
    assert whisper.prepare(ready) is ready
    assert whisper.recognize([ready], [ENGLISH_TEXT], lambda: False) == whisper.recognize(
        [plain], [ENGLISH_TEXT], lambda: False
    )


def test_times_are_the_files_own_across_a_gap(whisper: WhisperRecognizer) -> None:
    first, second = talk(["en_door"]), talk(["en_music"])
    spans = (Span(100.0, 100.0 + len(first) / SAMPLE_RATE), Span(200.0, 200.0 + len(second) / SAMPLE_RATE))
    joined = Window(window(np.concatenate([first, second])).samples, spans)
    [[door, music]] = whisper.recognize([joined], [ENGLISH_TEXT], lambda: False)
    assert (door.text, music.text) == (TEXTS["en_door"], TEXTS["en_music"])
    assert spans[0].start <= door.start < door.end <= spans[0].end
    assert spans[1].start <= music.start < music.end <= spans[1].end


@pytest.mark.parametrize(("names", "language"), [(ENGLISH[:3], "en"), (SPANISH, "es")])
def test_language(whisper: WhisperRecognizer, names: tuple[str, ...], language: str) -> None:
    guess = whisper.detect_language([window(talk(names)), window(talk(names[:1]))])
    assert guess.language == guess.candidates[0][0] == language
    assert guess.candidates[0][1] == pytest.approx(guess.probability, abs=1e-3)
    assert {"en", "es"} <= whisper.languages


def test_silence_and_the_shortest_window_give_nothing_or_little(whisper: WhisperRecognizer) -> None:
    assert whisper.recognize([window(silence(3))], [ENGLISH_TEXT], lambda: False) == [()]
    [segments] = whisper.recognize([window(clip("en_door")[:1600])], [ENGLISH_TEXT], lambda: False)
    assert all(0 <= word.start < word.end <= 0.1 for segment in segments for word in segment.words)


def test_the_second_try_hears_the_same_good_speech(whisper: WhisperRecognizer) -> None:
    assert text(whisper.recognize_again(window(talk(ENGLISH)), ENGLISH_TEXT, lambda: False)) == spoken(ENGLISH)


@pytest.mark.parametrize("hertz", [300, 440, 1000])
def test_a_loop_over_a_tone_never_passes_for_good_text(whisper: WhisperRecognizer, hertz: float) -> None:
    """Even if the detector took the tone for speech."""
    heard = window(tone(8, hertz))
    found = whisper.recognize([heard], [ENGLISH_TEXT], lambda: False)
    assert is_loop(text(found[0]))
    batch = Batch(0, 0, 8 * SAMPLE_RATE, (heard,), (Span(0.0, 8.0),), Levels())
    chunk = Ear(whisper, Options(), lambda: False, Vocabulary(())).transcribe(
        batch, Tongues((heard,), ("en",)), [ENGLISH_TEXT], found, LanguageGuess("en", 1.0), lambda call: call()
    )
    assert chunk.suspect
    assert not is_loop(text(chunk.segments))


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_cancel_is_looked_at_between_the_steps_of_a_window(whisper: WhisperRecognizer, looks: int) -> None:
    answers = iter([False] * looks)
    with pytest.raises(Cancelled):
        whisper.recognize([window(talk(ENGLISH[:1]))], [ENGLISH_TEXT], lambda: next(answers, True))
