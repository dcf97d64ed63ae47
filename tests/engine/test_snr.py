"""How loud speech is over noise: on mixtures whose truth is known, and what is done about it."""

from collections.abc import Iterator

import numpy as np
import pytest

from engine.snr import MOST, levels, snr_db, together, too_noisy
from engine.types import Levels, Options, Span
from tests.engine.speech import ENGLISH, Pcm, clip, noise, silence, spoken, talk
from tests.engine.whole import Transcribe, micro, transcriber


@pytest.fixture(scope="module")
def transcribe() -> Iterator[Transcribe]:
    with transcriber(micro()) as transcribe:
        yield transcribe


def mixed(db: float, colour: str = "white", gain: float = 0.5) -> Pcm:
    """Speech with so much less noise, both measured where somebody speaks."""
    speech = talk(ENGLISH).astype(np.float64)
    active = np.concatenate([clip(name) for name in ENGLISH]).astype(np.float64)
    hiss = np.random.default_rng(3).normal(size=len(speech))
    if colour == "brown":
        spectrum = np.fft.rfft(hiss)
        hiss = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 50), len(speech))
    hiss *= np.sqrt(np.mean(active**2) / 10 ** (db / 10) / np.mean(hiss**2))
    result: Pcm = ((speech + hiss) * gain).clip(-32768, 32767).astype(np.int16)
    return result


@pytest.mark.parametrize("colour", ["white", "brown"])
@pytest.mark.parametrize("db", [0, 10, 20, 30])
def test_it_is_right_to_three_decibels(transcribe: Transcribe, db: float, colour: str) -> None:
    assert transcribe(mixed(db, colour)).snr_db == pytest.approx(db, abs=3)


def test_it_does_not_depend_on_how_loud_all_of_it_is(transcribe: Transcribe) -> None:
    loud, faint = transcribe(mixed(15, gain=0.8)).snr_db, transcribe(mixed(15, gain=0.1)).snr_db
    assert loud == pytest.approx(faint, abs=1)


def test_digital_silence_between_words_is_no_noise(transcribe: Transcribe) -> None:
    assert transcribe(talk(ENGLISH)).snr_db == MOST
    assert transcribe(silence(3)).snr_db is None


def test_audio_below_the_floor_is_not_transcribed(transcribe: Transcribe) -> None:
    result = transcribe(mixed(-9), Options(min_snr_db=-5))
    assert (result.text, result.segments, result.language, result.detection.calls) == ("", (), None, 0)
    assert [notice.code for notice in result.warnings] == ["low_snr_dropped"]
    assert {span.reason for span in result.suspect_spans} == {"low_snr"}


def test_noise_loud_enough_to_bury_speech_counts_as_too_noisy(transcribe: Transcribe) -> None:
    result = transcribe(noise(8, 6000), Options(min_snr_db=-5))
    assert [notice.code for notice in result.warnings] == ["low_snr_dropped"]
    faint = transcribe(noise(8, 100), Options(min_snr_db=-5))
    assert [notice.code for notice in faint.warnings] == ["no_speech_detected"]


def test_without_a_floor_everything_is_transcribed(transcribe: Transcribe) -> None:
    assert transcribe(noise(8, 6000)).warnings[0].code == "no_speech_detected"
    assert transcribe(mixed(20), Options(min_snr_db=-5)).text == spoken(ENGLISH)


def test_speech_without_a_pause_is_measured_by_its_quietest_moments() -> None:
    powers = [0.01] * 5 + [1.0] * 95
    measured = levels(powers, [Span(0.0, 100 * 0.032)], start=0.0, seconds=0.032)
    assert snr_db(measured) == pytest.approx(20, abs=0.5)


def test_parts_weigh_by_their_length() -> None:
    quiet, loud = Levels(1.0, 9.0, 0.01, 9.0), Levels(1.0, 1.0, 0.11, 1.0)
    both = together([quiet, loud, Levels()])
    assert (both.speech_seconds, both.noise_seconds) == (10.0, 10.0)
    assert both.speech == pytest.approx(1.0)
    assert both.noise == pytest.approx(0.02)
    assert snr_db(together([])) is None
    assert not too_noisy(Levels(), -5.0)
