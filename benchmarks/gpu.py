"""How many hours of speech an hour of a GPU buys: the whole engine on a Whisper of a given shape with random weights.

    python -m benchmarks.gpu [--shape large-v3-turbo] [--runs 8] [--minutes 10] [--tokens 112]

What the words are does not matter to the time, how many there are does: every window gets the same number of tokens.
Second opinions are off, as all text of random weights is doubtful. Weights are made in a temporary folder, never kept.
Without a GPU `--shape tiny` shows that everything runs. Prints the share of time that the device was busy.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import psutil

from benchmarks.pipeline import MODEL, Looped, machine
from benchmarks.speech import load_pcm, make_speech
from engine import hardware
from engine.backends import whisper
from engine.config import EngineConfig
from engine.pipeline import run
from engine.scheduler import Scheduler
from engine.types import Options
from engine.workshop import Workshop

POSITIONS, CONTEXT = 1500, 448
SAMPLE_SECONDS = 0.2
HANN_FRAMES = 400


@dataclass(frozen=True, slots=True)
class Shape:
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    bands: int


SHAPES = {
    "tiny": Shape(width=64, heads=2, encoder_layers=1, decoder_layers=1, bands=80),
    "small": Shape(width=768, heads=12, encoder_layers=12, decoder_layers=12, bands=80),
    "large-v3": Shape(width=1280, heads=20, encoder_layers=32, decoder_layers=32, bands=128),
    "large-v3-turbo": Shape(width=1280, heads=20, encoder_layers=32, decoder_layers=4, bands=128),
}
VOCABULARY = 51_866


def make_model(shape: Shape, directory: Path) -> Path:
    """A CTranslate2 directory that faster-whisper loads. Its tokenizer is the test model's, stretched to full size."""
    directory.mkdir()
    rng = np.random.default_rng(1)
    spec = ctranslate2.specs.WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    _fill(spec, shape, rng)
    pieces = json.loads((MODEL / "vocabulary.json").read_text())
    text = pieces.index("")
    filler = [f"filler{number}" for number in range(VOCABULARY - len(pieces))]
    vocabulary = [*pieces[:text], *filler, *pieces[text:]]
    spec.register_vocabulary(vocabulary)
    first = vocabulary.index("<|en|>")
    spec.config.alignment_heads = [[shape.decoder_layers - 1, head] for head in range(2)]
    spec.config.lang_ids = list(range(first, vocabulary.index("<|translate|>")))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.validate()
    spec.optimize(quantization="float16")
    spec.save(str(directory))
    _write_tokenizer(directory, vocabulary)
    sizes = {"feature_size": shape.bands, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30}
    (directory / "preprocessor_config.json").write_text(json.dumps(sizes | {"n_fft": HANN_FRAMES}))
    return directory


def _write_tokenizer(directory: Path, vocabulary: list[str]) -> None:
    tokenizer = json.loads((MODEL / "tokenizer.json").read_text())
    places = {token: place for place, token in enumerate(vocabulary)}
    fillers = {token: place for token, place in places.items() if token.startswith("filler")}
    tokenizer["model"]["vocab"] = {
        token: places.get(token, place) for token, place in tokenizer["model"]["vocab"].items()
    } | fillers
    for token in tokenizer["added_tokens"]:
        token["id"] = places[token["content"]]
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))


def _fill(spec: Any, shape: Shape, rng: np.random.Generator) -> None:
    def draw(*size: int) -> Any:
        return (rng.standard_normal(size, dtype=np.float32) / np.sqrt(size[-1])).astype(np.float32)

    def linear(layer: Any, rows: int, columns: int) -> None:
        layer.weight, layer.bias = draw(rows, columns), np.zeros(rows, dtype=np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(shape.width, dtype=np.float32), np.zeros(shape.width, dtype=np.float32)

    def feed(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * shape.width, shape.width)
        linear(layer.linear_1, shape.width, 4 * shape.width)

    def attention(layer: Any, sizes: tuple[int, ...]) -> None:
        norm(layer.layer_norm)
        for part, size in zip(layer.linear, sizes, strict=True):
            linear(part, size * shape.width, shape.width)

    for conv, columns in ((spec.encoder.conv1, shape.bands), (spec.encoder.conv2, shape.width)):
        conv.weight, conv.bias = draw(shape.width, columns, 3), np.zeros(shape.width, dtype=np.float32)
    spec.encoder.position_encodings.encodings = draw(POSITIONS, shape.width)
    spec.decoder.position_encodings.encodings = draw(CONTEXT, shape.width)
    spec.decoder.embeddings.weight = draw(VOCABULARY, shape.width)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.decoder.scale_embeddings = False
    norm(spec.encoder.layer_norm)
    norm(spec.decoder.layer_norm)
    for layer in spec.encoder.layer:
        attention(layer.self_attention, (3, 1))
        feed(layer.ffn)
    for layer in spec.decoder.layer:
        attention(layer.self_attention, (3, 1))
        attention(layer.attention, (1, 2, 1))
        feed(layer.ffn)


@contextmanager
def busy(device: str, shares: list[float]) -> Iterator[None]:
    """Samples how busy the device is, 0..1, into `shares`."""
    done = threading.Event()

    def watch() -> None:
        psutil.cpu_percent()
        while not done.wait(SAMPLE_SECONDS):
            share = _gpu_share() if device == "cuda" else psutil.cpu_percent() / 100
            if share is not None:
                shares.append(share)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join(5)


def _gpu_share() -> float | None:
    query = ["nvidia-smi", "-i", "0", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        return float(subprocess.run(query, capture_output=True, text=True, timeout=5, check=True).stdout) / 100
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="large-v3-turbo")
    parser.add_argument("--runs", type=int, default=8, help="files at once")
    parser.add_argument("--minutes", type=float, default=10.0, help="of speech in each")
    parser.add_argument("--tokens", type=int, default=112, help="per window of at most 30 s")
    given = parser.parse_args()
    whisper.MAX_TOKENS = 2 * given.tokens
    whisper.WhisperRecognizer.recognize_again = lambda self, *_: ()  # type: ignore[method-assign]
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        pcm = load_pcm(make_speech(Path(folder) / "speech.wav", min(given.minutes, 2.0)))
        config = EngineConfig(models_dir=Path(folder))
        recognizer = whisper.WhisperRecognizer(
            make_model(SHAPES[given.shape], Path(folder) / "model"), "random", config
        )
        print(f"{given.shape} shape, random weights, made and loaded in {time.perf_counter() - began:.0f} s")
        _measure(recognizer, config, given.runs, given.minutes * 60, pcm)


def _measure(recognizer: whisper.WhisperRecognizer, config: EngineConfig, runs: int, seconds: float, pcm: Any) -> None:
    found = hardware.detect(config.device)
    scheduler = Scheduler(hardware.lanes(config))
    workshop = Workshop(hardware.feature_threads(config), hardware.windows_ahead(config))
    calls = _counted(recognizer)

    def transcribe(length: float) -> float:
        door = scheduler.door(recognizer, "bulk")
        stream, options = Looped(pcm, length), Options(language="en")
        return run(stream, options, door=door, workshop=workshop, on_event=lambda event: None).duration

    transcribe(30.0)  # the first call prepares kernels
    calls.clear()
    shares: list[float] = []
    with ThreadPoolExecutor(runs) as threads, busy(found.device, shares):
        began = time.perf_counter()
        audio = sum(threads.map(transcribe, [seconds] * runs))
        wall = time.perf_counter() - began
    scheduler.close(timeout=10)
    workshop.close()
    middle = shares[1:-1] or shares  # work begins and ends within a sample
    print(f"device                     {found.gpu_name or found.device}")
    print(f"{runs} files at once            {audio / 60:.0f} min of audio in {wall:.1f} s")
    print(f"x real time                {audio / wall:.0f}")
    print(f"windows, calls, per call   {sum(calls)}, {len(calls)}, {statistics.mean(calls):.1f}")
    print(f"device busy                {statistics.mean(middle):.0%} of the time" if middle else "device busy unknown")


def _counted(recognizer: whisper.WhisperRecognizer) -> list[int]:
    """The sizes of the calls to come."""
    sizes: list[int] = []
    recognize = recognizer.recognize

    def counting(windows: Any, requests: Any, cancelled: Any) -> Any:
        sizes.append(len(windows))
        return recognize(windows, requests, cancelled)

    recognizer.recognize = counting  # type: ignore[method-assign]
    return sizes


if __name__ == "__main__":
    main()
