"""Bounds on what benchmarks/quality.py measures, in small: right words, none left out, none invented."""

import ctypes
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.quality import Errors, Transcribe, errors, mixed, music, noise, recording, right_languages, transcriber
from engine.backends.whisper import WhisperRecognizer
from engine.types import SAMPLE_RATE, Options, Segment, Word
from tests.engine.whole import micro


@pytest.fixture(scope="module")
def whisper() -> WhisperRecognizer:
    return micro()


@pytest.fixture(scope="module")
def transcribe(whisper: WhisperRecognizer) -> Iterator[Transcribe]:
    with transcriber(whisper) as transcribe:
        yield transcribe


def espeak() -> None:
    try:
        ctypes.CDLL("libespeak-ng.so.1")
    except OSError:
        pytest.skip("libespeak-ng makes the speech of this test")


def test_each_kind_of_error_is_counted() -> None:
    said = [("one", 0.0, 0.3), ("two", 0.4, 0.7), ("three", 0.8, 1.1), ("four", 1.2, 1.5)]
    heard = (("One,", 0.1, 0.3), ("too", 0.4, 0.7), ("three", 0.8, 1.1), ("for", 1.2, 1.5), ("four", 1.6, 1.9))
    words = tuple(Word(*word, probability=1.0) for word in heard)
    found = errors(said, [Segment(0.0, 2.0, "", words)])
    assert (found.said, found.substituted, found.deleted, found.inserted) == (4, 1, 0, 1)
    assert found.times == pytest.approx((0.1, 0.0, 0.0, 0.0, 0.4, 0.4))
    assert errors(said, []) == Errors(4, 0, 4, 0)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
def test_words_come_out_right_whole_and_in_time(
    transcribe: Transcribe, whisper: WhisperRecognizer, language: str
) -> None:
    espeak()
    speech = recording(language, minutes=1.5, seed=77001)
    result = transcribe(speech.samples, len(speech.samples) / SAMPLE_RATE, Options())
    found = errors(speech.words, result.segments)
    assert found.said > 100
    assert found.rate <= 0.06
    assert found.deletion_rate <= 0.01
    assert found.insertion_rate <= 0.01
    assert np.median(found.times) <= 0.05
    assert np.quantile(found.times, 0.95) <= 0.15
    assert (result.language, result.coverage > 0.98) == (language, True)
    assert right_languages(whisper, language, 20, seed=3) == 20


@pytest.mark.slow
def test_noise_costs_substitutions_before_it_costs_words(transcribe: Transcribe) -> None:
    espeak()
    speech = recording("en", minutes=0.7, seed=77003)
    for db in (5, 15, 25):
        result = transcribe(mixed(speech, db), len(speech.samples) / SAMPLE_RATE, Options(language="en"))
        assert result.snr_db == pytest.approx(db, abs=3)
        assert errors(speech.words, result.segments).deletion_rate <= 0.03


@pytest.mark.parametrize(
    "pcm",
    [np.zeros(60 * SAMPLE_RATE, dtype=np.int16), noise(60, -20), noise(60, -50), music(60)],
    ids=["silence", "loud noise", "faint noise", "music"],
)
def test_no_word_is_invented(transcribe: Transcribe, pcm: npt.NDArray[np.int16]) -> None:
    result = transcribe(pcm, 60.0, Options(language="en"))
    assert (result.text, result.segments) == ("", ())
    assert [notice.code for notice in result.warnings] == ["no_speech_detected"]
