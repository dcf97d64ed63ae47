"""Eight files at once beside the same eight one after another: the real engine process over its socket, one device.

    python -m benchmarks.parallel [--files 8] [--minutes 2] [--model DIR]

Prints wall time, the engine's peak memory, and whether every text is the same both ways.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.pipeline import MODEL, machine
from benchmarks.speech import make_speech
from engine.client import EngineClient
from engine.errors import EngineGone
from engine.types import Options, Transcript

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0


@contextmanager
def engine(folder: Path, model: Path) -> Iterator[tuple[EngineClient, int]]:
    """A fresh engine process with the model loaded, and its process id."""
    path = folder / "engine.sock"
    calm = os.environ | {"STT_DATA_DIR": str(folder), "STT_MODEL": str(model.resolve()), "STT_FETCH_MODELS": "0"}
    process = subprocess.Popen([sys.executable, "-m", "engine", "serve", "--socket", str(path)], cwd=ROOT, env=calm)
    try:
        client, deadline = EngineClient(path), time.monotonic() + START_SECONDS
        while not _loaded(client):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The engine did not start.")
            time.sleep(0.1)
        yield client, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _loaded(client: EngineClient) -> bool:
    try:
        return any(model.loaded for model in client.status().models)
    except EngineGone:
        return False


def peak_mb(process: int) -> float:
    """Of the engine itself: its decoder children come and go, 20 to 60 MB each."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def transcribe(client: EngineClient, file: Path) -> Transcript:
    return client.transcribe(file, Options(language="en"), on_event=lambda event: None)


def measure(files: Sequence[Path], folder: Path, model: Path, at_once: int) -> tuple[float, float, list[Transcript]]:
    """Seconds, MB, transcripts."""
    with engine(folder, model) as (client, process), ThreadPoolExecutor(at_once) as threads:
        ready = threading.Barrier(at_once)
        list(threads.map(lambda _: ready.wait(START_SECONDS), range(at_once)))
        began = time.perf_counter()
        transcripts = list(threads.map(lambda file: transcribe(client, file), files))
        return time.perf_counter() - began, peak_mb(process), transcripts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--model", type=Path, default=MODEL)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [
            make_speech(folder / f"{seed}.wav", given.minutes * (0.5 + seed / given.files), seed)
            for seed in range(given.files)
        ]
        results = {count: measure(files, folder, given.model, count) for count in (1, given.files)}
    audio = sum(transcript.duration for transcript in results[1][2])
    print(f"\n{given.files} files, {audio / 60:.1f} min of speech in all, one engine process")
    print(f"{'':24}{'wall s':>9}{'x real time':>13}{'peak MB':>9}")
    for count, (wall, peak, _) in results.items():
        label = "one after another" if count == 1 else f"{count} at once"
        print(f"{label:24}{wall:9.2f}{audio / wall:13.1f}{peak:9.0f}")
    same = sum(alone == together for alone, together in zip(results[1][2], results[given.files][2], strict=True))
    print(f"transcripts that are the same to the last word time: {same} of {given.files}")


if __name__ == "__main__":
    main()
