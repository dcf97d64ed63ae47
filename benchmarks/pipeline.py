"""Our pipeline beside faster-whisper's own batched one: same model, same file, one run, and our peak memory.

    python -m benchmarks.pipeline [FILE] [--minutes 20] [--model DIR] [--repeat 3] [--hours 1 10] [--speakers]

Every measurement has a process of its own. Without FILE the audio is made by espeak-ng from the test model's words.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speech import load_pcm, make_speech
from engine import hardware
from engine.audio import Decoder
from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.diarize import Beside
from engine.diarizers import diarizer
from engine.pipeline import Stream, run
from engine.protocols import SpeakerHints
from engine.scheduler import Scheduler
from engine.types import SAMPLE_RATE, Chunk, Event, MediaInfo, Notice, Options
from engine.workshop import Workshop

MODEL = Path(__file__).parents[1] / "tests" / "fixtures" / "micro_whisper"
PACKAGES = ("faster-whisper", "ctranslate2", "onnxruntime", "numpy", "av")


class Looped:
    """`seconds` of audio made of one recording over and over, never all in memory."""

    warnings: tuple[Notice, ...] = ()

    def __init__(self, pcm: npt.NDArray[np.int16], seconds: float) -> None:
        self._pcm, self._left = pcm, round(seconds * SAMPLE_RATE)
        self.info = MediaInfo("wav", "pcm_s16le", seconds, SAMPLE_RATE, 1, has_video=False)

    def __iter__(self) -> Iterator[npt.NDArray[np.int16]]:
        while self._left > 0:
            for at in range(0, len(self._pcm), SAMPLE_RATE):
                block = self._pcm[at : at + min(SAMPLE_RATE, self._left)]
                self._left -= len(block)
                if len(block):
                    yield block

    def close(self) -> None:
        self._left = 0


def measure_ours(model: Path, open_stream: Callable[[], Stream], *, speakers: bool = False) -> dict[str, Any]:
    config = EngineConfig(models_dir=model)
    recognizer = WhisperRecognizer(model, "benchmark", config)
    first: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Chunk) and event.segments and not first:
            first.append(time.perf_counter() - started)

    scheduler = Scheduler(hardware.lanes(config))
    workshop = Workshop(hardware.feature_threads(config), hardware.windows_ahead(config))
    started = time.perf_counter()
    door = scheduler.door(recognizer, "bulk")
    listener = diarizer(config) if speakers else None
    beside = Beside(listener, SpeakerHints()) if listener else None
    transcript = run(open_stream(), Options(), door=door, workshop=workshop, on_event=on_event, beside=beside)
    wall = time.perf_counter() - started
    words = sum(len(segment.words) for segment in transcript.segments)
    return {"wall": wall, "first": first[0] if first else None, "words": words, "audio": transcript.duration}


def measure_theirs(model: Path, file: Path) -> dict[str, Any]:
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    pipeline = BatchedInferencePipeline(WhisperModel(str(model), cpu_threads=len(os.sched_getaffinity(0))))
    started = time.perf_counter()
    segments, info = pipeline.transcribe(str(file), word_timestamps=True, vad_filter=True)
    first, words = None, 0
    for segment in segments:
        first = first or time.perf_counter() - started
        words += len(segment.words or ())
    return {"wall": time.perf_counter() - started, "first": first, "words": words, "audio": info.duration}


def decoded(file: Path) -> Callable[[], Stream]:
    """The product's own sandboxed decoder, its child process warm."""
    decoder = Decoder(EngineConfig(models_dir=file.parent))
    return lambda: decoder.open(file, max_seconds=24 * 3600.0)


def child(kind: str, model: Path, file: Path, seconds: float) -> None:
    """One measurement, printed as JSON."""
    if kind == "theirs":
        result = measure_theirs(model, file)
    elif kind == "ours":
        result = measure_ours(model, decoded(file))
    else:
        pcm = load_pcm(file)[: 300 * SAMPLE_RATE]
        result = measure_ours(model, lambda: Looped(pcm, seconds), speakers=kind == "speakers")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["peak_mb"], result["cpu"] = usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
    print(json.dumps(result))
    sys.stdout.flush()


def measure(kind: str, model: Path, file: Path, seconds: float = 0.0) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.pipeline", str(file), "--model", str(model)]
    command += ["--child", kind, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The measurement '{kind}' failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(model: Path, file: Path, repeat: int) -> None:
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
    for _ in range(repeat):
        for kind, results in runs.items():
            results.append(measure(kind, model, file))
    print(f"\n{'':34}{'wall s':>9}{'x real time':>13}{'first text s':>14}{'cpu s':>8}{'peak MB':>9}{'words':>8}")
    names = {"ours": "engine.pipeline", "theirs": "faster-whisper, batched"}
    for kind, results in runs.items():
        wall, first, cpu, peak = (
            median(result[key] for result in results) for key in ("wall", "first", "cpu", "peak_mb")
        )
        speed, words = results[0]["audio"] / wall, results[0]["words"]
        print(f"{names[kind]:34}{wall:9.2f}{speed:13.1f}{first:14.2f}{cpu:8.1f}{peak:9.0f}{words:8d}")
    ours, theirs = (sorted(result["wall"] for result in runs[kind]) for kind in ("ours", "theirs"))
    print(f"wall, best to worst: ours {_spread(ours)}, theirs {_spread(theirs)}; {repeat} runs each, taking turns")


def _spread(walls: list[float]) -> str:
    return f"{walls[0]:.2f}-{walls[-1]:.2f} s"


def memory(model: Path, file: Path, hours: list[float], kind: str) -> None:
    print(f"\n{'audio':>8}{'peak MB':>9}{'wall s':>9}")
    peaks = []
    for length in hours:
        result = measure(kind, model, file, length * 3600)
        peaks.append(result["peak_mb"])
        print(f"{length:6g} h{result['peak_mb']:9.0f}{result['wall']:9.1f}")
    print(f"longest to shortest: {peaks[-1] / peaks[0]:.2f}x")


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {cores} cores, load {load:.1f}, Python {platform.python_version()}, {packages}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--hours", type=float, nargs="*", default=[1.0, 10.0])
    parser.add_argument("--speakers", action="store_true", help="tell speakers apart while memory is measured")
    parser.add_argument("--child", choices=("ours", "theirs", "memory", "speakers"), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.model, given.file, given.seconds)
        return
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        file = given.file or make_speech(Path(folder) / "speech.wav", given.minutes)
        compare(given.model, file, given.repeat)
        if given.hours:
            memory(given.model, file, sorted(given.hours), "speakers" if given.speakers else "memory")


if __name__ == "__main__":
    main()
