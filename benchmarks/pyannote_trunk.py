"""pyannote's published pipeline beside ours: the same weights, audio and windows, wall and CPU time and peak memory.

    python -m benchmarks.pyannote_trunk [FILE] [--seconds 60] [--steps 0.1 0.5] [--threads 1] [--repeat 3] [--hours 10]
                                       [--model DIR]

Every measurement has a process of its own. Without --model the weights are random, in community-1's layout and size:
time and memory do not depend on what they have learnt, except that random ones hear more short turns. --hours measures
the memory of our end of a long recording alone: marks and embeddings are invented, all behind them is real.
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
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speech import load_pcm, make_speech
from engine.types import SAMPLE_RATE

Pcm = npt.NDArray[np.int16]

PACKAGES = ("pyannote.audio", "torch", "torchaudio", "numpy")
PUBLISHED_WINDOW = 10.0


def published(model: Path, step: float, threads: int, pcm: Pcm) -> Callable[[], int]:
    import torch
    from pyannote.audio import Pipeline

    torch.set_num_threads(threads)

    pipeline: Any = Pipeline.from_pretrained(model)
    pipeline._segmentation.step = step * PUBLISHED_WINDOW
    pipeline.segmentation_step = step
    waveform = torch.from_numpy(pcm.astype(np.float32) / 32768)[None]

    def run() -> int:
        output = pipeline.apply({"uri": "benchmark", "waveform": waveform, "sample_rate": SAMPLE_RATE})
        return len(list(output.speaker_diarization.itertracks()))

    return run


def ours(model: Path, step: float, threads: int, pcm: Pcm) -> Callable[[], int]:
    from engine.backends import pyannote
    from engine.config import EngineConfig
    from engine.protocols import SpeakerHints

    pyannote.CPU_STEP = step
    config = EngineConfig(model.parent, device="cpu", threads=threads)
    listening = pyannote.PyannoteDiarizer(config).listen(SpeakerHints())

    def run() -> int:
        for at in range(0, len(pcm), SAMPLE_RATE):
            listening.hear(pcm[at : at + SAMPLE_RATE])
        return len(listening.turns())

    return run


def end(model: Path, step: float, threads: int, hours: float) -> Callable[[], int]:
    """Four voices that take turns, a window each."""
    from engine.backends.pyannote_pipeline import Heard, Voices
    from engine.protocols import SpeakerHints

    voices = Voices(model, device="cpu", threads=threads, step=step)
    _, frames, slots = voices.hear(np.zeros((1, voices.window), dtype=np.float32)).marks.shape
    count = round(hours * 3600 * SAMPLE_RATE / voices.step)
    rng = np.random.default_rng(1)
    marks = np.zeros((count, frames, slots), dtype=np.uint8)
    marks[:, : frames * 2 // 3, 0] = 1
    embeddings = rng.standard_normal((count, slots, 256)).astype(np.float32)
    embeddings[:, 0] = rng.standard_normal((4, 256))[rng.integers(0, 4, count)] + 0.1 * embeddings[:, 0]

    def run() -> int:
        return len(voices.tell(Heard(marks, embeddings), hours * 3600, SpeakerHints(), lambda: None).turns)

    return run


def one(args: argparse.Namespace) -> None:
    """In its own process; importing and loading are not timed."""
    if args.one == "end":
        run = end(args.model, args.step, args.threads, args.hours)
    else:
        run = {"published": published, "ours": ours}[args.one](args.model, args.step, args.threads, np.load(args.pcm))
    began, cpu = time.perf_counter(), time.process_time()
    turns = run()
    figures = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "turns": turns}
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures), flush=True)
    os._exit(0)  # threads of the loaded models would hold up the end


def in_a_process(what: str, model: Path, step: float, threads: int, *more: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.pyannote_trunk", "--one", what]
    command += ["--model", str(model), "--step", str(step), "--threads", str(threads), *more]
    environment = {**os.environ, "PYANNOTE_METRICS_ENABLED": "false"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def table(args: argparse.Namespace, model: Path, pcm: Path) -> None:
    print("| step | | wall s | CPU s | peak MB | turns |\n|---|---|---|---|---|---|")
    for step in args.steps:
        for what in ("published", "ours"):
            runs = [in_a_process(what, model, step, args.threads, "--pcm", str(pcm)) for _ in range(args.repeat)]
            wall, cpu, peak = (median(run[name] for run in runs) for name in ("wall", "cpu", "peak_mb"))
            print(f"| {step} | {what} | {wall:.1f} | {cpu:.1f} | {peak:.0f} | {runs[0]['turns']} |", flush=True)
    if args.hours:
        figures = in_a_process("end", model, 0.5, args.threads, "--hours", str(args.hours))
        print(f"\nThe end of {args.hours:g} h: {figures['wall']:.1f} s, peak {figures['peak_mb']} MB.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--steps", type=float, nargs="+", default=[0.1, 0.5])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--pcm", help=argparse.SUPPRESS)
    parser.add_argument("--step", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        return one(args)
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or Path(folder) / "pyannote"
        if args.model is None:
            from tests.engine import community

            community.make(model, window=PUBLISHED_WINDOW)
        pcm = load_pcm(args.file or make_speech(Path(folder) / "speech.wav", args.seconds / 60))
        np.save(Path(folder) / "pcm.npy", pcm[: round(args.seconds * SAMPLE_RATE)])
        load = os.getloadavg()[0]
        print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, load {load:.1f};")
        print(
            ", ".join(f"{name} {version(name)}" for name in PACKAGES)
            + f"; {args.seconds:g} s of audio, {args.threads} threads.\n"
        )
        table(args, model, Path(folder) / "pcm.npy")
    return None


if __name__ == "__main__":
    main()
