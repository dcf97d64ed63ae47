"""A borrowed voice: what is refused without a model, and F5-TTS itself on random weights where it is installed."""

import importlib.util
import struct
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import BadReference, VoiceUnavailable
from engine.speech import tts
from engine.speech.mark import SYNTHETIC, mark_synthetic
from engine.types import Event, Options, Transcript
from tests.engine.test_enhance import speechlike, write

WITH_PACKAGE = pytest.mark.skipif(importlib.util.find_spec("f5_tts") is None, reason="needs requirements-tts.txt")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> EngineConfig:
    return EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=2, voices=True, device="cpu")


@pytest.fixture(scope="module")
def decoder(config: EngineConfig) -> Iterator[Decoder]:
    decoder = Decoder(config)
    yield decoder
    decoder.close()


class Hears:
    def __init__(self, text: str = "two short lines") -> None:
        self.text = text

    def transcribe(self, source: Path, options: Options, *, on_event: Callable[[Event], None]) -> Transcript:
        with wave.open(str(source)) as clip:
            assert (clip.getnchannels(), clip.getframerate()) == (1, tts.REFERENCE_RATE)
        return Transcript(self.text, "en", 1.0, 5.0, (), "stand-in")


def speak(config: EngineConfig, decoder: Decoder, reference: Path, hears: Hears | None = None) -> Any:
    speaker = tts.Speaker(config, decoder)
    return speaker.speak(hears or Hears(), reference, "Hello there.", reference.with_name("out.wav"))


def pretend(monkeypatch: pytest.MonkeyPatch, config: EngineConfig) -> None:
    """The package and the weights are there; nothing of them is read before the reference is."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(tts, "REQUIRED", ())


def test_it_is_off_unless_the_operator_wants_it(config: EngineConfig, decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(VoiceUnavailable, match="switched off"):
        speak(replace(config, voices=False), decoder, write(tmp_path / "voice.wav", speechlike(5)))


def test_it_says_what_is_missing(
    config: EngineConfig, decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = write(tmp_path / "voice.wav", speechlike(5))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(VoiceUnavailable, match="no F5-TTS"):
        speak(config, decoder, voice)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with pytest.raises(VoiceUnavailable, match=r"model\.safetensors, vocab\.txt"):
        speak(config, decoder, voice)


@pytest.mark.parametrize(("seconds", "sentence"), [(2.0, "lasts 2.0"), (0.05, "shorter"), (12.0, "longer than 10")])
def test_a_reference_lasts_three_to_ten_seconds(
    config: EngineConfig,
    decoder: Decoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    sentence: str,
) -> None:
    pretend(monkeypatch, config)
    with pytest.raises(BadReference, match=sentence):
        speak(config, decoder, write(tmp_path / "voice.wav", speechlike(seconds)))
    assert [path.name for path in tmp_path.iterdir()] == ["voice.wav"]


def test_a_reference_in_which_nobody_talks_is_refused(
    config: EngineConfig, decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, config)
    with pytest.raises(BadReference, match="No words"):
        speak(config, decoder, write(tmp_path / "voice.wav", speechlike(5)), Hears(""))


def chunks(path: Path) -> dict[bytes, bytes]:
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    found, at = {}, 12
    while at < len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        found[name] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


@pytest.mark.parametrize("samples", [1000, 1001])
def test_the_mark_is_in_the_file_and_the_sound_is_whole(tmp_path: Path, samples: int) -> None:
    path = write(tmp_path / "a.wav", np.zeros(samples))
    before = chunks(path)[b"data"]
    mark_synthetic(path)
    assert chunks(path)[b"data"] == before
    assert chunks(path)[b"LIST"] == b"INFOICMT" + struct.pack("<I", 16) + SYNTHETIC + b"\0"
    with wave.open(str(path)) as file:
        assert file.getnframes() == samples


@WITH_PACKAGE
@pytest.mark.slow
def test_the_real_package_speaks_with_random_weights(config: EngineConfig, decoder: Decoder, tmp_path: Path) -> None:
    from tests.engine.tiny_voice import write_weights

    write_weights(config.models_dir / tts.DIRECTORY)
    spoken = speak(replace(config, voice_steps=2), decoder, write(tmp_path / "voice.wav", speechlike(4)))
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getframerate() == spoken.sample_rate == 24_000
        assert file.getnframes() / 24_000 == pytest.approx(spoken.duration)
    assert SYNTHETIC in chunks(tmp_path / "out.wav")[b"LIST"]
