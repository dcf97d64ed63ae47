"""What one request of each API costs over the bare engine call: web, worker and engine on SQLite, a 5 s clip.

    python -m benchmarks.dialects [--count 40] [--pause 3] [--model DIR] [--only NAME ...]

For each dialect the bare call has the options that the request came to (60db listens for the language of each stretch,
STT.ai tells speakers apart), and the two take turns on the same running server, so whatever else the machine does meets
both. Before each call the server gets a pause, in which it makes the browser's copy and the index of the one before,
and starts other decoders in the place of those that are used up. No recording comes twice: a dialect may keep its
answers.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

import httpx

from benchmarks.pipeline import MODEL, machine
from benchmarks.speech import make_speech
from engine.client import EngineClient
from engine.types import Options, options_from_dict
from stt_site.lib.run_dir import run_dir
from tests.dialects.examples import Example, examples
from tests.live import Product, running

WARM_UP = 5
LATEST = "import json; from transcripts.models import Job; print(json.dumps(Job.objects.latest('pk').options))"


class Caller:
    """A program that uses one dialect, on a connection that stays open."""

    def __init__(self, product: Product, example: Example, key: str) -> None:
        self._client = httpx.Client(base_url=product.address, headers=dict(example.key(key)), timeout=60)
        self._example = example
        self.engine: list[float] = []
        self.request: list[float] = []

    def asks(self, clip: bytes) -> Callable[[], None]:
        call = self._example.ask(clip)
        headers = {**call.headers, "Content-Type": call.content_type}

        def ask() -> None:
            self._client.request(call.method, call.path, content=call.body, headers=headers).raise_for_status()

        return ask


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def options_of_the_last_job(product: Product) -> Options:
    found = options_from_dict(json.loads(product.manage("shell", "-c", LATEST).splitlines()[-1]))
    return replace(found, priority="interactive", max_seconds=None)


def variant(clip: bytes, number: int) -> bytes:
    """The same recording but for its last sample."""
    return clip[:-2] + (number % 2**15).to_bytes(2, "little")


def measure(product: Product, names: list[str], clip: Path, count: int, pause: float) -> dict[str, Caller]:
    key = product.key("bench@example.com", minutes=1_000_000)
    callers = {name: Caller(product, examples()[name], key) for name in names}
    engine = EngineClient(run_dir(product.data_dir) / "engine.sock")
    content, number = clip.read_bytes(), 0
    wishes = {}
    for name, caller in callers.items():
        caller.asks(content)()
        wishes[name] = options_of_the_last_job(product)
    for turn in range(WARM_UP + count):
        for name, caller in callers.items():
            number += 1
            time.sleep(pause)
            bare = seconds(lambda name=name: engine.transcribe(clip, wishes[name], on_event=lambda event: None))  # type: ignore[misc]
            time.sleep(pause)
            whole = seconds(caller.asks(variant(content, number)))
            if turn >= WARM_UP:
                caller.engine.append(bare)
                caller.request.append(whole)
    return callers


def row(name: str, caller: Caller) -> str:
    over = [whole - bare for whole, bare in zip(caller.request, caller.engine, strict=True)]
    cells = (percentile(times, at) for times in (caller.engine, caller.request, over) for at in (50, 95))
    return f"| {name} | " + " | ".join(cells) + " |"


def percentile(times: list[float], at: int) -> str:
    value = median(times) if at == 50 else quantiles(times, n=20)[-1]
    return f"{value * 1000:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--only", nargs="+", choices=sorted(examples()), default=sorted(examples()))
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        clip = make_speech(Path(folder) / "clip.wav", 5 / 60)
        settings = {
            "STT_MODEL": str(given.model.resolve()),
            "STT_WORK_PER_MINUTE": "100000",
            "STT_LOG_LEVEL": "WARNING",
        }
        with running(Path(folder), **settings) as product:
            callers = measure(product, given.only, clip, given.count, given.pause)
    print(f"\n{given.count} requests each, in turns; milliseconds; p50 and p95 of")
    print("| dialect | engine | engine p95 | request | request p95 | over | over p95 |\n|---|---|---|---|---|---|---|")
    for name, caller in callers.items():
        print(row(name, caller))


if __name__ == "__main__":
    main()
