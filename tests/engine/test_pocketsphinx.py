"""The built-in recogniser, on real synthetic speech and its own packaged model."""

from itertools import pairwise

import numpy as np
import pytest

from engine.backends.pocketsphinx import STEP, PocketSphinxRecognizer
from engine.errors import Cancelled, UnsupportedLanguage
from engine.pipeline import run
from engine.protocols import Request, Window
from engine.scheduler import Scheduler
from engine.types import SAMPLE_RATE, Options, Span, Transcript
from engine.workshop import Workshop
from tests.engine.speech import ENGLISH, FakeStream, Pcm, clip, silence, talk

ANY = Request(None, "transcribe", None, word_timestamps=True)


@pytest.fixture(scope="module")
def recognizer() -> PocketSphinxRecognizer:
    return PocketSphinxRecognizer()


def window(pcm: Pcm, start: float = 0.0) -> Window:
    samples = pcm.astype(np.float32)
    samples /= 32768
    return Window(samples, (Span(start, start + len(pcm) / SAMPLE_RATE),))


def transcribe(pcm: Pcm, recognizer: PocketSphinxRecognizer, options: Options | None = None) -> Transcript:
    scheduler, workshop = Scheduler(), Workshop(threads=1, room=4)
    try:
        door = scheduler.door(recognizer, "bulk")
        return run(FakeStream(pcm), options or Options(), door=door, workshop=workshop, on_event=lambda event: None)
    finally:
        scheduler.close(timeout=10)
        workshop.close()


def test_it_understands_plain_english_and_says_which_model_it_is(recognizer: PocketSphinxRecognizer) -> None:
    result = transcribe(talk(["en_music", "en_door"]), recognizer)
    assert (result.model, result.language) == ("pocketsphinx-en-us", "en")
    assert result.text.startswith("play my music ")
    assert {"red"} <= set(result.text.split())
    words = [word for segment in result.segments for word in segment.words]
    assert all(word.start < word.end and 0 <= word.probability <= 1 for word in words)
    assert all(left.end <= right.start for left, right in pairwise(words))
    assert len(result.segments) >= 2


def test_fillers_and_marks_of_pronunciation_are_no_words(recognizer: PocketSphinxRecognizer) -> None:
    pcm = np.concatenate([silence(1), clip("en_music"), silence(1.5), clip("en_water"), silence(1)])
    [segments] = recognizer.recognize([window(pcm, start=100.0)], [ANY], lambda: False)
    assert segments[0].text == "play my music"
    assert not set("<>[]()+") & set("".join(segment.text for segment in segments))
    assert segments[0].start >= 100
    assert segments[-1].end <= 100 + len(pcm) / SAMPLE_RATE


def test_a_window_gives_the_same_words_whatever_came_before(recognizer: PocketSphinxRecognizer) -> None:
    alone = recognizer.recognize([window(talk(["en_music"]))], [ANY], lambda: False)
    behind = recognizer.recognize([window(clip("en_water")), window(talk(["en_music"]))], [ANY] * 2, lambda: False)
    assert behind[1] == alone[0]


def test_another_language_is_refused(recognizer: PocketSphinxRecognizer) -> None:
    with pytest.raises(UnsupportedLanguage, match="'de'"):
        transcribe(talk(ENGLISH[:1]), recognizer, Options(language="de"))
    with pytest.raises(UnsupportedLanguage, match="models fetch"):
        recognizer.recognize([window(clip("en_water"))], [Request("de", "transcribe", None, True)], lambda: False)


def test_cancel_is_heard_within_half_a_second_of_audio(recognizer: PocketSphinxRecognizer) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        recognizer.recognize([window(talk(ENGLISH))], [ANY], cancelled)
    assert asked == 4
    assert STEP <= SAMPLE_RATE // 2
