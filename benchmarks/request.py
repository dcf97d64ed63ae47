"""What one `POST /v1/transcribe` of a 5 s clip costs over the bare engine call: web, worker and engine on SQLite.

    python -m benchmarks.request [--count 50] [--model DIR]

The two kinds of call take turns on the same running server, so whatever else the machine does meets both.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from benchmarks.pipeline import MODEL, machine
from benchmarks.speech import make_speech
from engine.client import EngineClient
from engine.types import Options

ROOT = Path(__file__).parents[1]
PORT = 8791
WARM_UP = 5
START_SECONDS = 60.0


@contextmanager
def server(data_dir: Path, model: Path) -> Iterator[str]:
    """The product as `make run` starts it; gives the quick-start key."""
    environment = os.environ | {
        "STT_DATA_DIR": str(data_dir),
        "STT_PORT": str(PORT),
        "STT_MODEL": str(model.resolve()),
        "STT_FETCH_MODELS": "0",
        "STT_LOG_LEVEL": "WARNING",
        "STT_FREE_MINUTES_PER_MONTH": "100000",
    }
    log = (data_dir / "log.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        yield wait_for_key(data_dir, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait_for_key(data_dir: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_SECONDS
    key = data_dir / "quickstart_key"
    while not (key.exists() and key.read_text().strip()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The server did not start:\n{(data_dir / 'log.txt').read_text()}")
        time.sleep(0.1)
    return key.read_text().strip()


def post(clip: bytes, key: str) -> None:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n\r\n'
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/v1/transcribe",
        data=head.encode() + clip + f"\r\n--{boundary}--\r\n".encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def row(name: str, times: list[float]) -> str:
    return f"{name:40}{median(times) * 1000:9.1f}{quantiles(times, n=20)[-1] * 1000:9.1f}{max(times) * 1000:9.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--model", type=Path, default=MODEL)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        clip = make_speech(data_dir / "clip.wav", 5 / 60)
        with server(data_dir, given.model) as key:
            client = EngineClient(data_dir / "run" / "engine.sock")
            options = Options(priority="interactive")
            bare, request = [], []
            for turn in range(WARM_UP + given.count):
                engine_time = seconds(lambda: client.transcribe(clip, options, on_event=lambda event: None))
                request_time = seconds(lambda: post(clip.read_bytes(), key))
                if turn >= WARM_UP:
                    bare.append(engine_time)
                    request.append(request_time)
    print(f"\n{given.count} calls each, taking turns{'':13}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    print(row("the engine alone, over its socket", bare))
    print(row("POST /v1/transcribe", request))
    over = [ours - theirs for ours, theirs in zip(request, bare, strict=True)]
    print(row("the request over the engine", over))


if __name__ == "__main__":
    main()
