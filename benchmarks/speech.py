"""Long speech to measure with: sentences in the test model's words, spoken by espeak-ng, with pauses."""

import io
import random
import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.types import SAMPLE_RATE

VERBS = ("open", "close", "find", "send", "show", "write")
OWNERS = ("the", "my", "your")
KINDS = ("red", "green", "blue", "white", "small", "new", "old", "good")
THINGS = ("door", "window", "music", "file", "message", "report", "table", "house", "water", "book", "phone", "answer")
TIMES = ("today", "tomorrow", "now")
DIGITS = ("zero", "one", "three", "five", "six", "seven", "eight", "nine", "ten")
VOICES = ("en-us", "en-us+f3")


def sentence(rng: random.Random) -> str:
    if rng.random() < 0.25:
        return " ".join(rng.sample(DIGITS, rng.randint(3, 6))).capitalize() + "."
    words = [rng.choice(VERBS), rng.choice(OWNERS), rng.choice(KINDS), rng.choice(THINGS)]
    return " ".join([*words, *rng.sample(TIMES, rng.randint(0, 1))]).capitalize() + "."


def say(text: str, voice: str) -> npt.NDArray[np.int16]:
    """16 kHz mono."""
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", "160", "--stdout", text], capture_output=True, check=True
    ).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
    samples = np.frombuffer(spoken[44:], dtype=np.int16)  # espeak writes an endless length to a pipe
    places = np.arange(int(len(samples) * SAMPLE_RATE / rate)) * (rate / SAMPLE_RATE)
    spoken_16k: npt.NDArray[np.int16] = np.interp(places, np.arange(len(samples)), samples).astype(np.int16)
    return spoken_16k


def make_speech(file: Path, minutes: float, seed: int = 1) -> Path:
    """A WAV of at least `minutes`; the first 10 are spoken, more is their repetition."""
    rng = random.Random(seed)
    parts: list[npt.NDArray[np.int16]] = []
    wanted = round(minutes * 60 * SAMPLE_RATE)
    while sum(map(len, parts)) < min(wanted, 600 * SAMPLE_RATE):
        pause = np.zeros(round(rng.uniform(0.3, 1.5) * SAMPLE_RATE), dtype=np.int16)
        parts += [say(sentence(rng), rng.choice(VOICES)), pause]
    once = np.concatenate(parts)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        for at in range(0, wanted, len(once)):
            out.writeframes(once[: wanted - at].tobytes())
    return file


def load_pcm(file: Path) -> npt.NDArray[np.int16]:
    """A 16 kHz mono 16-bit WAV."""
    with wave.open(str(file)) as wav:
        if (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            raise SystemExit(f"{file} is not a 16 kHz mono 16-bit WAV; convert it first.")
        return np.frombuffer(wav.readframes(wav.getnframes()), dtype=np.int16)
