"""Less noise, a usual loudness, and not a sample more or less."""

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MediaError
from engine.speech.chain import Chain
from engine.speech.enhance import MEASURE, TARGET_LUFS, enhance
from engine.speech.noise import BANDS

RATE = 16_000
Sound = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    config = EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=2, max_decoded_seconds=100)
    decoder = Decoder(config)
    yield decoder
    decoder.close()


def speechlike(seconds: float, rate: int = RATE) -> Sound:
    """A buzz with the rhythm of syllables and a pause every other second."""
    at = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * harmonic * at) / harmonic for harmonic in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 4 * at), 0, None) * (at % 2 < 1.2)
    return np.asarray(0.1 * buzz * syllables)


def noise(count: int, slope: float) -> Sound:
    """Power falling with the frequency to the power `slope`: 0 is white, 1 pink. Of standard deviation 1."""
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 50) ** (slope / 2)
    samples = np.fft.irfft(spectrum, count)
    return np.asarray(samples / samples.std())


def write(path: Path, samples: Sound, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def read(path: Path) -> tuple[int, npt.NDArray[np.int16]]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def likeness(reference: Sound, estimate: Sound) -> float:
    """SI-SDR in dB (Le Roux et al. 2019); any delay ruins it."""
    target = reference * (reference @ estimate) / (reference @ reference)
    return float(10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target))))


def loudness(samples: npt.NDArray[np.int16], rate: int) -> float:
    meter = Chain(rate, MEASURE)
    for _ in meter.run([samples]):
        pass
    return float(meter.metadata["lavfi.r128.I"])


@pytest.mark.parametrize(("slope", "gain"), [(0.0, 5.0), (1.0, 2.5)], ids=["white", "pink"])
def test_noise_goes_and_speech_stays_in_its_place(decoder: Decoder, tmp_path: Path, slope: float, gain: float) -> None:
    clean = speechlike(6)
    noisy = clean + noise(len(clean), slope) * clean.std() / 10 ** (5 / 20)
    source = write(tmp_path / "noisy.wav", 0.5 * noisy)
    enhanced = enhance(decoder, source, tmp_path / "out.wav")
    rate, samples = read(tmp_path / "out.wav")
    assert (rate, len(samples), enhanced.duration, enhanced.sample_rate) == (RATE, len(clean), 6.0, RATE)
    assert likeness(clean, samples.astype(float)) > likeness(clean, noisy) + gain


@pytest.mark.parametrize("level", [0.2, 0.5, 1.0])
def test_it_is_as_loud_as_speech_on_the_web(decoder: Decoder, tmp_path: Path, level: float) -> None:
    enhance(decoder, write(tmp_path / "in.wav", level * speechlike(5)), tmp_path / "out.wav")
    rate, samples = read(tmp_path / "out.wav")
    assert loudness(samples, rate) == pytest.approx(TARGET_LUFS, abs=1.0)
    assert np.abs(samples.astype(int)).max() < 32_000


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_rate_and_length_stay_and_nothing_is_put_off(decoder: Decoder, tmp_path: Path, rate: int) -> None:
    clean = speechlike(3.217, rate)
    noisy = clean + noise(len(clean), 0.0) * clean.std() / 10 ** (10 / 20)
    enhance(decoder, write(tmp_path / "in.wav", noisy, rate), tmp_path / "out.wav")
    kept_rate, samples = read(tmp_path / "out.wav")
    assert (kept_rate, len(samples)) == (rate, len(clean))
    shifts = range(-rate // 200, rate // 200 + 1, max(1, rate // 4000))
    best = max(shifts, key=lambda shift: float(np.roll(samples.astype(float), -shift) @ clean))
    assert abs(best) <= rate // 1000


def test_silence_stays_silence(decoder: Decoder, tmp_path: Path) -> None:
    enhance(decoder, write(tmp_path / "in.wav", np.zeros(RATE)), tmp_path / "out.wav")
    assert not read(tmp_path / "out.wav")[1].any()


def test_a_moment_too_short_to_measure_is_only_copied(decoder: Decoder, tmp_path: Path) -> None:
    enhance(decoder, write(tmp_path / "in.wav", speechlike(0.2)), tmp_path / "out.wav")
    assert len(read(tmp_path / "out.wav")[1]) == RATE // 5


def test_channels_are_mixed(decoder: Decoder, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setparams((8, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.repeat(np.rint(speechlike(1.5) * 32767).astype("<i2"), 8).tobytes())
    assert enhance(decoder, tmp_path / "in.wav", tmp_path / "out.wav").duration == pytest.approx(1.5)


def test_what_is_no_recording_leaves_nothing_behind(decoder: Decoder, tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    source.write_text("#EXTM3U\nhttp://127.0.0.1/a.ts\n")
    with pytest.raises(MediaError) as refused:
        enhance(decoder, source, tmp_path / "out.wav")
    assert refused.value.code == "unsupported_media"
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_whoever_leaves_ends_it_at_any_stage(decoder: Decoder, tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", speechlike(3))
    beats: list[int] = []
    enhance(decoder, source, tmp_path / "whole.wav", lambda: beats.append(1))
    for last in range(len(beats)):
        heard: list[int] = []

        def leave(heard: list[int] = heard, last: int = last) -> None:
            heard.append(1)
            if len(heard) > last:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            enhance(decoder, source, tmp_path / "out.wav", leave)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "whole.wav"]


def test_the_bands_are_those_of_the_filter() -> None:
    assert BANDS == (80, 120, 180, 270, 410, 620, 930, 1400, 2100, 3150, 4750, 7100, 10700, 16000, 24000)
