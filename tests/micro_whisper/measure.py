"""How well a model hears, through faster-whisper as the engine uses it.

python -m tests.micro_whisper.measure MODEL_DIRECTORY TEST.pkl [--windows N]
The corpus must hold its audio (make_corpus --audio) and another seed than the training corpora.
"""

import argparse
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel

from tests.micro_whisper.corpus import Clip, load
from tests.micro_whisper.espeak import RATE, Samples

Transcribe = Callable[[Samples], str]


def words_of(text: str) -> list[str]:
    return re.sub(r"[.,?]", "", text).lower().split()


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's, in words."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(heard, start=1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1]


def mixed(clips: Sequence[Clip], count: int, chance: random.Random) -> tuple[Samples, str]:
    """Sentences of one language behind one another, with pauses and changing level."""
    parts = [_silence(chance.uniform(0, 0.8))]
    text = []
    for _ in range(count):
        clip = chance.choice(clips)
        if clip.samples is None:
            raise ValueError("This corpus has no audio: make it with --audio")
        parts += [clip.samples * np.float32(10 ** chance.uniform(-0.5, 0)), _silence(chance.uniform(0.3, 1.2))]
        text.append(" ".join(clip.words))
    return np.concatenate(parts), " ".join(text)


def _silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.float32)


def error_rate(transcribe: Transcribe, clips: Sequence[Clip], sentences: tuple[int, int], windows: int) -> str:
    chance = random.Random(31)
    wrong = total = exact = 0
    for _ in range(windows):
        samples, said = mixed(clips, chance.randint(*sentences), chance)
        heard = words_of(transcribe(samples))
        wrong += distance(words_of(said), heard)
        total += len(words_of(said))
        exact += heard == words_of(said)
    return f"WER {100 * wrong / total:4.1f} % ({wrong}/{total}), exact {exact}/{windows}"


def measure(model_directory: Path, clips: Sequence[Clip], windows: int) -> None:
    model = WhisperModel(str(model_directory), device="cpu", cpu_threads=2)
    batched = BatchedInferencePipeline(model)
    for language in ("en", "es"):
        own = [clip for clip in clips if clip.language == language]

        def sequential(samples: Samples, beam: int = 1, language: str = language) -> str:
            return " ".join(s.text for s in model.transcribe(samples, language=language, beam_size=beam)[0])

        def in_batches(samples: Samples, language: str = language) -> str:
            return " ".join(s.text for s in batched.transcribe(samples, language=language, batch_size=4)[0])

        print(f"{language}, 1-4 sentences, beam 1:       {error_rate(sequential, own, (1, 4), windows)}")
        print(
            f"{language}, 1-3 sentences, beam 5:       {error_rate(lambda x: sequential(x, 5), own, (1, 3), windows)}"
        )
        print(f"{language}, 24 sentences, batched, VAD:  {error_rate(in_batches, own, (24, 24), 3)}")


def measure_silence(model_directory: Path) -> None:
    model = WhisperModel(str(model_directory), device="cpu", cpu_threads=2)
    time = np.arange(RATE * 8) / RATE
    sounds = {
        "silence": time * 0,
        "white noise": 0.05 * np.random.default_rng(0).standard_normal(len(time)),
        "tone of 440 Hz": 0.3 * np.sin(2 * np.pi * 440 * time),
        "tone of 1 kHz": 0.3 * np.sin(2 * np.pi * 1000 * time),
    }
    for name, samples in sounds.items():
        segments = model.transcribe(samples.astype(np.float32), language="en")[0]
        print(f"{name}: {' '.join(segment.text for segment in segments)[:60]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--windows", type=int, default=20)
    options = parser.parse_args()
    measure(options.model, load(options.corpus).clips, options.windows)
    measure_silence(options.model)


if __name__ == "__main__":
    main()
