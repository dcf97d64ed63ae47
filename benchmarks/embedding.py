"""How long the engine takes to read an hour of talk for search by meaning: its passages, over the socket.

    python -m benchmarks.embedding [--words 9000] [--repeat 3] [--threads 0]

The talk is the English transcripts of tests/text/labelled, sentence after sentence in random order; its passages are
cut as the index cuts them.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

from benchmarks.pipeline import machine
from engine.catalog import EMBEDDED
from engine.client import EngineClient
from engine.errors import EngineGone
from engine.types import Segment, Transcript
from tests.text.labelled import transcripts
from transcripts.services.passages import cut

ROOT = Path(__file__).parents[1]
AT_ONCE = 64
"""As the index asks for them."""
WORDS_A_SECOND = 2.5
QUESTION = "What was decided about the budget?"
START_SECONDS = 60.0


def talk(words: int) -> Transcript:
    chance = random.Random(9000)
    lines = [line for text in transcripts() if text.language == "en" for line in text.lines]
    segments: list[Segment] = []
    said, start = 0, 0.0
    while said < words:
        line = chance.choice(lines)
        count = len(line.text.split())
        segments.append(Segment(start, start + count / WORDS_A_SECOND, line.text, speaker=line.speaker, language="en"))
        said, start = said + count, segments[-1].end
    return Transcript("", "en", 1.0, start, tuple(segments), "none")


@contextmanager
def serving(folder: Path, threads: int) -> Iterator[tuple[EngineClient, psutil.Process]]:
    path = folder / "engine.sock"
    environment = {"STT_DATA_DIR": str(folder), "STT_MODEL": EMBEDDED, "STT_DEVICE": "cpu", "STT_FETCH_MODELS": "0"}
    command = [sys.executable, "-m", "engine", "serve", "--socket", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment | {"STT_THREADS": str(threads)}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            client, deadline = EngineClient(path), time.monotonic() + START_SECONDS
            while not _answers(client) and time.monotonic() < deadline:
                time.sleep(0.1)
            yield client, psutil.Process(process.pid)
        finally:
            process.kill()


def _answers(client: EngineClient) -> bool:
    try:
        return bool(client.status().text.embedder)
    except EngineGone:
        return False


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=9000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of the engine; 0: one a core")
    wish = parser.parse_args()
    document = talk(wish.words)
    passages = [passage.text for passage in cut(document)]
    print(f"{machine()}, tokenizers {version('tokenizers')}\n")
    print(f"{sum(len(text.split()) for text in passages):,} words, {document.duration / 3600:.2f} h, in ", end="")
    print(f"{len(passages)} passages\n\n| | seconds | passages a second |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), wish.threads) as (client, process):
        idle = process.memory_info().rss

        def all_of_them() -> None:
            for at in range(0, len(passages), AT_ONCE):
                client.embed(passages[at : at + AT_ONCE], priority="bulk")

        print(f"| the first question: the model unpacked, loaded | {seconds(lambda: client.embed([QUESTION])):.2f} | |")
        taken = [seconds(all_of_them) for _ in range(wish.repeat)]
        for name, one in (("median", median(taken)), ("slowest", max(taken))):
            print(
                f"| all passages, {AT_ONCE} a call, {name} of {wish.repeat} | {one:.2f} | {len(passages) / one:.0f} |"
            )
        whole = seconds(lambda: client.embed(passages))
        print(f"| all passages in one call | {whole:.2f} | {len(passages) / whole:.0f} |")
        asked = median([seconds(lambda: client.embed([QUESTION])) for _ in range(20)])
        print(f"| one question, median of 20 | {asked:.4f} | |")
        print(f"\nThe engine grew from {idle / 1e6:.0f} to {process.memory_info().rss / 1e6:.0f} MB.")


if __name__ == "__main__":
    main()
