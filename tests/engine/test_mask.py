"""A copy of a recording without what must not be heard, decoded by the real child."""

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.audio import Decoder
from engine.config import EngineConfig
from engine.playback import PLAYBACK_RATE
from engine.speech.mask import BEEP_LEVEL, mask
from engine.types import Cover
from tests.live import write_pcm

LOUD = 9_000


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=1))
    yield decoder
    decoder.close()


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    turns = np.arange(3 * 16_000) * 2 * np.pi * 300 / 16_000
    return write_pcm(tmp_path / "tone.wav", (LOUD * np.sin(turns)).astype(np.int16))


def samples(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (PLAYBACK_RATE, 1)
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


@pytest.mark.parametrize(("cover", "level"), [("mute", 0), ("beep", BEEP_LEVEL)])
def test_only_the_stretches_change(decoder: Decoder, tone: Path, tmp_path: Path, cover: Cover, level: int) -> None:
    made = mask(decoder, tone, tmp_path / "out.wav", [(1.0, 1.5), (1.2, 2.0), (2.9, 9.0)], cover)
    assert made.duration == pytest.approx(3, abs=0.01)
    heard = samples(tmp_path / "out.wav")
    plain = mask(decoder, tone, tmp_path / "plain.wav", [], cover)
    untouched = samples(tmp_path / "plain.wav")
    assert plain.duration == made.duration
    inside = np.zeros(len(heard), dtype=bool)
    for start, end in ((1.0, 2.0), (2.9, 9.0)):
        inside[round(start * PLAYBACK_RATE) : round(end * PLAYBACK_RATE)] = True
    assert np.array_equal(heard[~inside], untouched[~inside])
    assert np.abs(heard[inside]).max() == pytest.approx(level, abs=2)
    assert not list(tmp_path.glob("*.partial"))
