"""Does it hear the right words and invent none? On synthetic speech whose words and times are known, and on no speech.

    python -m benchmarks.quality [--model DIR] [--minutes 10] [--hours 1] [--seed 77001]

Needs libespeak-ng. Nothing is kept. What is measured is the pipeline around the model; the words are the test model's.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from benchmarks.pipeline import MODEL, Looped, machine
from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.letters import normalized
from engine.pipeline import run
from engine.protocols import Request, Window
from engine.scheduler import Scheduler
from engine.types import SAMPLE_RATE, Options, Segment, Span, Transcript
from engine.windows import batches
from engine.words import Heard
from engine.workshop import Workshop

Pcm = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Transcribe = Callable[[Pcm, float, Options], Transcript]
"""(recording, seconds: it is repeated to fill them, options)"""

SIGNALS_TO_NOISE = (0, 5, 10, 15, 20, 25, 30)


@dataclass(frozen=True, slots=True)
class Recording:
    samples: Pcm
    words: tuple[tuple[str, float, float], ...]
    """(word, start, end) in seconds."""
    language: str


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts of words; `times` are the errors of word starts and ends, in seconds, of words that were right."""

    said: int
    substituted: int
    deleted: int
    inserted: int
    times: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        return (self.substituted + self.deleted + self.inserted) / max(1, self.said)

    @property
    def deletion_rate(self) -> float:
        return self.deleted / max(1, self.said)

    @property
    def insertion_rate(self) -> float:
        return self.inserted / max(1, self.said)


def errors(said: Sequence[tuple[str, float, float]], segments: Sequence[Segment]) -> Errors:
    heard = [word for segment in segments for word in segment.words]
    left = [" ".join(normalized(word)) for word, _, _ in said]
    right = [" ".join(normalized(word.text)) for word in heard]
    counts = {"replace": 0, "delete": 0, "insert": 0}
    times: list[float] = []
    for step in Levenshtein.opcodes(left, right):
        if step.tag == "equal":
            for (_, start, end), word in zip(
                said[step.src_start : step.src_end], heard[step.dest_start :], strict=False
            ):
                times += [abs(word.start - start), abs(word.end - end)]
        else:
            counts[step.tag] += max(step.src_end - step.src_start, step.dest_end - step.dest_start)
    return Errors(len(said), counts["replace"], counts["delete"], counts["insert"], tuple(times))


@contextmanager
def transcriber(recognizer: WhisperRecognizer) -> Iterator[Transcribe]:
    scheduler, workshop = Scheduler(lanes=2), Workshop(threads=1, room=32)

    def transcribe(pcm: Pcm, seconds: float, options: Options) -> Transcript:
        door = scheduler.door(recognizer, "bulk")
        return run(Looped(pcm, seconds), options, door=door, workshop=workshop, on_event=lambda event: None)

    try:
        yield transcribe
    finally:
        scheduler.close(timeout=10)
        workshop.close()


def recording(language: str, minutes: float, seed: int, pauses: tuple[float, float] = (0.4, 1.5)) -> Recording:
    """Sentences of that language with `pauses` (shortest, longest, in seconds) before them. Level and voice change.

    Made in a process of its own: what espeak-ng says depends a little on what it has said before.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_recording, language, minutes, seed, pauses).result()


def _recording(language: str, minutes: float, seed: int, pauses: tuple[float, float]) -> Recording:
    from tests.micro_whisper.corpus import make

    chance = random.Random(seed)
    clips = make({language: max(4, round(minutes * 18))}, "focus", seed, keep_audio=True).clips
    parts: list[Floats] = []
    words: list[tuple[str, float, float]] = []
    length = 0
    for clip in clips:
        pause = np.zeros(round(chance.uniform(*pauses) * SAMPLE_RATE))
        spoken = np.asarray(clip.samples, dtype=np.float64) * 10 ** chance.uniform(-0.4, 0.0)
        at = (length + len(pause)) / SAMPLE_RATE
        words += [(word, start + at, end + at) for word, (start, end) in zip(clip.words, clip.spans, strict=True)]
        parts += [pause, spoken]
        length += len(pause) + len(spoken)
        if length > minutes * 60 * SAMPLE_RATE:
            break
    parts.append(np.zeros(SAMPLE_RATE))
    return Recording(to_pcm(np.concatenate(parts)), tuple(words), language)


def to_pcm(samples: Floats) -> Pcm:
    pcm: Pcm = (samples * 32767).clip(-32768, 32767).astype(np.int16)
    return pcm


def noise(seconds: float, level_db: float, seed: int = 1) -> Pcm:
    return to_pcm(np.random.default_rng(seed).normal(0.0, 10 ** (level_db / 20), round(seconds * SAMPLE_RATE)))


def music(seconds: float, seed: int = 1) -> Pcm:
    """Chords of decaying harmonics with a beat: made here, so that nobody owns it."""
    chance = np.random.default_rng(seed)
    beat = round(0.5 * SAMPLE_RATE)
    at = np.arange(beat) / SAMPLE_RATE
    bars: list[Floats] = []
    for number in range(round(seconds / 0.5)):
        root = 110 * 2 ** (chance.integers(0, 12) / 12)
        chord = sum(
            np.sin(2 * np.pi * root * ratio * harmonic * at) * np.exp(-at * 3 * harmonic) / harmonic
            for ratio in (1, 1.26, 1.5)
            for harmonic in (1, 2, 3, 4)
        )
        drum = chance.normal(size=beat) * np.exp(-at * (40 if number % 2 else 80))
        bars.append(0.1 * np.asarray(chord) + 0.15 * drum)
    return to_pcm(np.concatenate(bars))


def mixed(speech: Recording, db: float, seed: int = 1) -> Pcm:
    """With noise that much below the speech, both measured where words are."""
    samples = speech.samples.astype(np.float64) / 32768
    spoken = np.concatenate([samples[round(s * SAMPLE_RATE) : round(e * SAMPLE_RATE)] for _, s, e in speech.words])
    power = np.mean(spoken**2) / 10 ** (db / 10)
    return to_pcm(0.5 * (samples + np.random.default_rng(seed).normal(0.0, np.sqrt(power), len(samples))))


def false_words(transcribe: Transcribe, pcm: Pcm, hours: float) -> float:
    """Per hour."""
    result = transcribe(pcm, hours * 3600, Options(language="en"))
    return sum(len(segment.words) for segment in result.segments) / hours


def right_languages(recognizer: WhisperRecognizer, language: str, count: int, seed: int) -> int:
    from tests.micro_whisper.corpus import make

    right = 0
    for clip in make({language: count}, "focus", seed, keep_audio=True).clips:
        samples = np.asarray(clip.samples, dtype=np.float32)
        window = Window(samples, (Span(0.0, len(samples) / SAMPLE_RATE),))
        right += recognizer.detect_language([window]).language == language
    return right


class WithoutTimes(WhisperRecognizer):
    """Leaves the words of every window without times, and so out."""

    def _aligned(self, windows: Sequence[Window], *rest: Any) -> list[list[Heard]]:
        return [[] for _ in windows]


def cost_of_words(model: Path, speech: Recording) -> float:
    """Processor time of decoding with word times over that without."""
    config = EngineConfig(models_dir=model, device="cpu", threads=1)
    recognizers = [kind(model, "benchmark", config) for kind in (WhisperRecognizer, WithoutTimes)]
    cut = batches([speech.samples], batch_windows=4)
    windows = [recognizers[0].prepare(window) for batch in cut for window in batch.windows]
    requests = [Request(speech.language, "transcribe", None, word_timestamps=True)] * len(windows)
    best = [float("inf"), float("inf")]
    for _ in range(3):
        for which, recognizer in enumerate(recognizers):
            began = time.process_time()
            recognizer.recognize(windows, requests, lambda: False)
            best[which] = min(best[which], time.process_time() - began)
    return best[0] / best[1]


def print_words(transcribe: Transcribe, recognizer: WhisperRecognizer, minutes: float, seed: int) -> None:
    print(f"\n{'speech':8}{'words':>7}{'WER %':>8}{'deleted %':>11}{'inserted %':>12}", end="")
    print(f"{'time error s: median':>22}{'p95':>7}{'coverage':>10}{'language right':>16}")
    for language in ("en", "es"):
        speech = recording(language, minutes, seed)
        result = transcribe(speech.samples, len(speech.samples) / SAMPLE_RATE, Options())
        found = errors(speech.words, result.segments)
        middle, late = (float(np.quantile(found.times, share)) for share in (0.5, 0.95))
        right = right_languages(recognizer, language, 60, seed + 1)
        print(f"{language:8}{found.said:7}{100 * found.rate:8.2f}{100 * found.deletion_rate:11.2f}", end="")
        print(f"{100 * found.insertion_rate:12.2f}{middle:22.3f}{late:7.3f}{result.coverage:10.3f}{right:13}/60")


def print_inventions(transcribe: Transcribe, hours: float) -> None:
    print(f"\n{'no speech':26}{'false words an hour':>20}")
    sounds = {
        "silence": np.zeros(60 * SAMPLE_RATE, dtype=np.int16),
        "white noise, -20 dB": noise(300, -20),
        "white noise, -50 dB": noise(300, -50),
        "music": music(300),
    }
    for name, pcm in sounds.items():
        print(f"{name:26}{false_words(transcribe, pcm, hours):20.1f}")


def print_noise(transcribe: Transcribe, seed: int) -> None:
    speech = recording("en", 1.0, seed)
    print(f"\n{'true SNR dB':>12}{'measured':>10}{'error':>8}{'WER %':>8}{'deleted %':>11}")
    for db in SIGNALS_TO_NOISE:
        result = transcribe(mixed(speech, db), len(speech.samples) / SAMPLE_RATE, Options(language="en"))
        found = errors(speech.words, result.segments)
        measured = result.snr_db if result.snr_db is not None else float("nan")
        print(f"{db:12}{measured:10.1f}{measured - db:8.1f}{100 * found.rate:8.1f}{100 * found.deletion_rate:11.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--minutes", type=float, default=10.0, help="of speech in each language")
    parser.add_argument("--hours", type=float, default=1.0, help="of each sound that is no speech")
    parser.add_argument("--seed", type=int, default=77001)
    given = parser.parse_args()
    print(machine())
    recognizer = WhisperRecognizer(given.model, "benchmark", EngineConfig(models_dir=given.model))
    with transcriber(recognizer) as transcribe:
        print_words(transcribe, recognizer, given.minutes, given.seed)
        print_inventions(transcribe, given.hours)
        print_noise(transcribe, given.seed + 2)
    ratio = cost_of_words(given.model, recording("en", min(given.minutes, 3.0), given.seed + 3))
    print(f"\ndecoding with word times: {ratio:.2f}x of the processor time without")


if __name__ == "__main__":
    main()
