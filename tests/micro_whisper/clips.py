"""The committed recordings, and long ones made of them. Needs neither espeak-ng nor the model."""

import json
import random
import wave
from dataclasses import dataclass
from pathlib import Path

CLIPS = Path(__file__).parent.parent / "fixtures" / "clips"
RATE = 16_000
SAMPLE_BYTES = 2


@dataclass(frozen=True)
class GoldenClip:
    """16 kHz, mono, 16 bit. `text` is exactly what the test model makes of it."""

    path: Path
    text: str
    language: str
    voice: str


@dataclass(frozen=True)
class Placed:
    """Seconds from the start of the long recording."""

    start: float
    end: float
    clip: GoldenClip


def golden_clips(language: str | None = None) -> list[GoldenClip]:
    entries = json.loads((CLIPS / "golden.json").read_text(encoding="utf-8"))
    clips = [GoldenClip(CLIPS / entry["file"], entry["text"], entry["language"], entry["voice"]) for entry in entries]
    return [clip for clip in clips if language in (None, clip.language)]


def long_clip(path: Path, minutes: float, seed: int, language: str = "en") -> list[Placed]:
    """Write a WAV of that length: clips in random order, never one twice in a row, with pauses of 0.6 to 2 s."""
    chance = random.Random(seed)
    clips = golden_clips(language)
    length = int(minutes * 60 * RATE)
    placed: list[Placed] = []
    at = 0
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(SAMPLE_BYTES)
        out.setframerate(RATE)
        while True:
            pause = int(chance.uniform(0.6, 2.0) * RATE)
            clip = chance.choice([clip for clip in clips if not placed or clip != placed[-1].clip])
            frames = _frames(clip)
            if at + pause + len(frames) // SAMPLE_BYTES > length:
                out.writeframes(bytes((length - at) * SAMPLE_BYTES))
                return placed
            out.writeframes(bytes(pause * SAMPLE_BYTES))
            out.writeframes(frames)
            start = at + pause
            at = start + len(frames) // SAMPLE_BYTES
            placed.append(Placed(start / RATE, at / RATE, clip))


def _frames(clip: GoldenClip) -> bytes:
    with wave.open(str(clip.path), "rb") as file:
        return file.readframes(file.getnframes())
