"""Live speech at the pace of speech: how soon text comes, how much of it changes, and what a session costs.

    python -m benchmarks.live [--sessions 1 2 4 8] [--profiles agent caption] [--minutes 1] [--real FOLDER]
    python -m benchmarks.live --hours 2        one session as fast as it is taken, memory every ten minutes of audio
    python -m benchmarks.live --peer           beside WhisperLive with the same weights, one session
    python -m benchmarks.live --crowd 5        so many times: alone, beside 2,000 idle sockets, beside a flood

Starts the whole product on a free port, in a temporary folder. Frames of 20 ms go out on a wall-clock schedule; each
number of sessions is measured without a file and while one file after another is transcribed. Speech is made by
espeak-ng (libespeak-ng is needed), so where each utterance ends is known to the sample. Recordings in FOLDER have no
known ends: of them, what changed on the screen, and how far the live text is from that of the same file sent whole.
"At once" is audio time: what it would be were every answer there at once, so what finding the ends costs by itself.
The load of the machine at the beginning is printed; figures of a busy machine say little about the rest.
"""

import argparse
import asyncio
import itertools
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from benchmarks.live_client import steno
from benchmarks.live_crowd import crowd, many_files
from benchmarks.live_figures import Figures, middle, quantile, wrong_words
from benchmarks.live_hours import hours
from benchmarks.live_ideal import ideal
from benchmarks.live_peer import measure_peer
from benchmarks.pipeline import MODEL, machine
from benchmarks.quality import Pcm, Recording, recording
from benchmarks.speech import load_pcm, make_speech
from engine.types import SAMPLE_RATE
from tests.live import Product, running, write_pcm
from transcripts.streaming.wish import PROFILES

REAL = Path(__file__).parents[2] / "shared" / "audio"
PAUSES = (1.1, 2.0)
"""Longer than the longest endpoint, so that an utterance ends where its sentence does."""
PLACES = 4
"""Streams an account opens; the paid plan has five places."""
COLUMNS = (
    "first p50",
    "final p50",
    "final p95",
    "stop p50",
    "missed",
    "tail %",
    "flicker %",
    "stable revised %",
    "WER %",
    "WER of file %",
    "MB a session",
)


def spoken(minutes: float, seed: int) -> Recording:
    """Ends with the last word: nobody is silent for the recogniser's sake."""
    speech = recording("en", minutes, seed, PAUSES)
    return Recording(speech.samples[: round(speech.words[-1][2] * SAMPLE_RATE)], speech.words, speech.language)


def of_file(product: Product, key: str, pcm: Pcm) -> str:
    """What the same model makes of all of it at once."""
    file = write_pcm(product.data_dir / "whole.wav", pcm)
    with product.client(key) as client, file.open("rb") as body:
        answer = client.post("/v1/transcribe", files={"file": body}, data={"language": "en"}, timeout=600)
    text: str = answer.raise_for_status().json()["text"]
    return text


@contextmanager
def transcribing(product: Product, key: str, file: Path) -> Iterator[None]:
    """One file after another, until the end."""
    over = threading.Event()

    def work() -> None:
        with product.client(key) as client:
            while not over.is_set():
                with file.open("rb") as body:
                    client.post("/v1/transcribe", files={"file": body}, data={"language": "en"}, timeout=600)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


def resident_mb(product: Product) -> float:
    """Of the web process and the engine."""
    total = 0
    for process in psutil.process_iter(["cmdline", "environ"]):
        command = " ".join(process.info["cmdline"] or ())
        ours = (process.info["environ"] or {}).get("STT_DATA_DIR") == str(product.data_dir)
        if ours and "supervisor" not in command and ("uvicorn" in command or "runengine" in command):
            total += process.memory_info().rss
    return total / 2**20


class Bench:
    def __init__(self, product: Product, speeches: Sequence[Recording], file: Path) -> None:
        self._product, self._speeches, self._file = product, speeches, file
        self._keys = [
            product.key(f"speaker{number}@example.org", 10_000) for number in range(-(-len(speeches) // PLACES) + 1)
        ]
        texts = [of_file(product, self._keys[-1], speech.samples) for speech in speeches]
        self._wrong = [
            wrong_words([word for word, _, _ in speech.words], text)
            for speech, text in zip(speeches, texts, strict=True)
        ]

    def measure(self, profile: str, count: int, *, busy: bool) -> None:
        speeches = self._speeches[:count]
        before, most = resident_mb(self._product), 0.0

        async def all_of_them() -> Figures:
            nonlocal most
            config = {"language": "en", "profile": profile}
            sessions = [
                asyncio.create_task(
                    steno(self._product.address, self._keys[at // PLACES], speech.samples, config, 0.13 * at)
                )
                for at, speech in enumerate(speeches)
            ]
            while not all(session.done() for session in sessions):
                await asyncio.sleep(2.0)
                most = max(most, await asyncio.to_thread(resident_mb, self._product))
            figures = Figures()
            for session, speech in zip(sessions, speeches, strict=True):
                figures.add(session.result(), speech)
            return figures

        if busy:
            with transcribing(self._product, self._keys[-1], self._file):
                figures = asyncio.run(all_of_them())
        else:
            figures = asyncio.run(all_of_them())
        print_row(
            f"{profile}, {count}{' + file' if busy else ''}", figures, self._wrong[:count], (most - before) / count
        )

    def real(self, folder: Path) -> None:
        """Two texts of one model for each recording."""
        print(f"\n{'recording':20}{'words':>7}{'flicker %':>11}{'stable revised %':>18}{'unlike its file %':>19}")
        for path in sorted(folder.glob("*.wav")):
            raw = subprocess.run(
                ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "s16le", "-"],
                capture_output=True,
                check=True,
            ).stdout
            pcm = np.frombuffer(raw, dtype="<i2")
            whole = of_file(self._product, self._keys[-1], pcm).split()
            config = {"language": "en", "profile": "caption"}
            session = asyncio.run(steno(self._product.address, self._keys[0], pcm, config))
            figures = Figures()
            figures.screen(session)
            print(f"{path.stem:20}{len(whole):7}{share(figures.changed, figures.appeared):11.1f}", end="")
            unlike = share(wrong_words(whole, session.text), len(whole))
            print(f"{share(figures.revised, figures.settled):18.1f}{unlike:19.1f}")


def share(part: float, whole: float) -> float:
    return 100 * part / max(1, whole)


def print_row(name: str, figures: Figures, wrong: Sequence[int], mb: float | None) -> None:
    values = [
        *(f"{1000 * value:.0f}" for value in (middle(figures.first), middle(figures.final))),
        *(f"{1000 * value:.0f}" for value in (quantile(figures.final, 0.95), middle(figures.stopped))),
        str(figures.missed),
        *(f"{share(*pair):.1f}" for pair in (figures.tail, (figures.changed, figures.appeared))),
        *(f"{share(*pair):.2f}" for pair in ((figures.revised, figures.settled), (figures.wrong, figures.said))),
        f"{share(sum(wrong), figures.said):.2f}" if wrong else "",
        "" if mb is None else f"{mb:.1f}",
    ]
    print(f"{name:20}" + "".join(f"{value:>{len(column) + 2}}" for value, column in zip(values, COLUMNS, strict=True)))
    for fault in figures.faults:
        print(f"{'':20}  {fault}")
    sys.stdout.flush()


def main() -> None:
    given = arguments()
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = make_speech(folder / "file.wav", 2.0)
        ahead = {"STT_STREAM_AHEAD_SECONDS": "1e9"} if given.hours else {}
        speeches: list[Recording] = []
        with many_files(), running(folder, STT_MODEL=str(given.model.resolve()), **ahead) as product:
            if given.hours:
                hours(product, load_pcm(file), given.hours, resident_mb)
            elif given.crowd:
                crowd(product, spoken(0.25, given.seed), given.crowd)
            else:
                most = 1 if given.peer else max(given.sessions)
                speeches = [spoken(given.minutes, given.seed + at) for at in range(most)]
                measure(Bench(product, speeches, file), speeches, given)
        if given.peer and speeches:
            print_row("WhisperLive", measure_peer(given.model, speeches[0]), [], None)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument(
        "--profiles", nargs="+", choices=("agent", "caption", "dictation"), default=["agent", "caption"]
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of speech in each session")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--real", type=Path, default=REAL, help="a folder of WAV files")
    parser.add_argument("--seed", type=int, default=77011)
    parser.add_argument("--hours", type=float, help="memory alone: so much audio in one session")
    parser.add_argument("--crowd", type=int, metavar="ROUNDS", help="what idle sockets and a flood cost a speaker")
    parser.add_argument("--peer", action="store_true", help="WhisperLive and ours alone, one session each")
    return parser.parse_args()


def measure(bench: Bench, speeches: list[Recording], given: argparse.Namespace) -> None:
    print(f"milliseconds from the beginning or the end of an utterance; {given.minutes:g} min of speech a session")
    print(f"\n{'':20}" + "".join(f"  {column}" for column in COLUMNS))
    if given.peer:
        bench.measure("caption", 1, busy=False)
        return
    for profile in given.profiles:
        figures = Figures()
        for speech in speeches:
            figures.add(ideal(given.model, speech, PROFILES[profile]), speech)
        print_row(f"{profile}, at once", figures, [], None)
    for profile, count, busy in itertools.product(given.profiles, given.sessions, (False, True)):
        bench.measure(profile, count, busy=busy)
    if given.real.is_dir():
        bench.real(given.real)


if __name__ == "__main__":
    main()
