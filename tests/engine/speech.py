"""Speech for tests: short clips whose text the test model is known to get right, and streams made of them."""

import json
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.types import SAMPLE_RATE, MediaInfo, Notice

CLIPS = Path(__file__).parent / "clips"
MICRO = Path(__file__).parents[1] / "fixtures" / "micro_whisper"
TEXTS: dict[str, str] = json.loads((CLIPS / "texts.json").read_text())
ENGLISH = tuple(name for name in TEXTS if name.startswith("en_"))
SPANISH = tuple(name for name in TEXTS if name.startswith("es_"))

Pcm = npt.NDArray[np.int16]


def clip(name: str) -> Pcm:
    with wave.open(str(CLIPS / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.int16)


def tone(seconds: float, hertz: float, level: float = 8000.0) -> Pcm:
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hertz * at)).astype(np.int16)


def noise(seconds: float, level: float = 1500.0) -> Pcm:
    rng = np.random.default_rng(7)
    return rng.normal(0.0, level, round(seconds * SAMPLE_RATE)).clip(-32768, 32767).astype(np.int16)


def talk(names: Sequence[str], pause: float = 0.7) -> Pcm:
    parts = [part for name in names for part in (silence(pause), clip(name))]
    return np.concatenate([*parts, silence(pause)])


def spoken(names: Sequence[str]) -> str:
    return " ".join(TEXTS[name] for name in names)


class FakeStream:
    """What `engine.audio.PcmStream` is to the pipeline. `pulled` counts the seconds handed out."""

    def __init__(self, pcm: Pcm, *, block: int = SAMPLE_RATE, warnings: tuple[Notice, ...] = ()) -> None:
        self.info = MediaInfo("wav", "pcm_s16le", len(pcm) / SAMPLE_RATE, SAMPLE_RATE, 1, has_video=False)
        self.warnings = warnings
        self.pulled = 0.0
        self.closed = False
        self._pcm, self._block = pcm, block

    def __iter__(self) -> Iterator[Pcm]:
        for at in range(0, len(self._pcm), self._block):
            block = self._pcm[at : at + self._block]
            self.pulled += len(block) / SAMPLE_RATE
            yield block

    def close(self) -> None:
        self.closed = True
