"""Many runs on one device at once: none changes another's text, and memory does not grow with what each could read."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.errors import Cancelled
from engine.pipeline import run
from engine.protocols import LanguageGuess, Recognizer, Request, Window
from engine.scheduler import Scheduler
from engine.types import SAMPLE_RATE, Options, Segment, Transcript
from engine.workshop import Workshop
from tests.engine.speech import ENGLISH, MICRO, SPANISH, FakeStream, Pcm, talk

WAIT = 20.0
RUNS: dict[str, tuple[tuple[str, ...], Options]] = {
    "english": (ENGLISH[:6], Options(language="en")),
    "spanish": (SPANISH, Options()),
    "prompted": (ENGLISH[:4], Options(language="en", prompt="Anna and David.", priority="interactive")),
}


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> WhisperRecognizer:
    monkeypatch.setattr("engine.windows.FIRST_WINDOW", 2 * SAMPLE_RATE)
    monkeypatch.setattr("engine.windows.WINDOW_LIMIT", 5 * SAMPLE_RATE)
    return WhisperRecognizer(MICRO, "micro", EngineConfig(models_dir=Path("unused"), device="cpu", threads=2))


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(lanes=2)
    yield scheduler
    scheduler.close(timeout=WAIT)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop(threads=1, room=4)
    yield workshop
    workshop.close()


Transcribe = Callable[[Pcm, Recognizer, Options], Transcript]


@pytest.fixture
def transcribe(scheduler: Scheduler, workshop: Workshop) -> Transcribe:
    def transcribe(pcm: Pcm, recognizer: Recognizer, options: Options) -> Transcript:
        door = scheduler.door(recognizer, options.priority)
        return run(FakeStream(pcm), options, door=door, workshop=workshop, on_event=lambda event: None)

    return transcribe


def together(transcribe: Transcribe, recognizer: Recognizer) -> dict[str, Transcript]:
    with ThreadPoolExecutor(len(RUNS)) as threads:
        runs = {
            name: threads.submit(transcribe, talk(said), recognizer, options) for name, (said, options) in RUNS.items()
        }
        return {name: future.result(WAIT * 3) for name, future in runs.items()}


def test_three_runs_at_once_equal_each_alone(transcribe: Transcribe, whisper: WhisperRecognizer) -> None:
    alone = {name: transcribe(talk(said), whisper, options) for name, (said, options) in RUNS.items()}
    assert all(transcript.text for transcript in alone.values())
    assert together(transcribe, whisper) == alone
    whisper.call_windows = 4  # as on a GPU
    assert {name: run.text for name, run in together(transcribe, whisper).items()} == {
        name: run.text for name, run in alone.items()
    }


class Counting:
    """Keeps count of the windows that exist, and answers nothing until it may."""

    model = "counting"
    languages = frozenset({"en"})
    batch_windows = 2
    call_windows = 1

    def __init__(self) -> None:
        self.alive, self.most, self.go_on = 0, 0, threading.Event()
        self._guard = threading.Lock()

    def kind(self, request: Request) -> None: ...

    def prepare(self, window: Window) -> Window:
        self._count(1)
        weakref.finalize(window.samples, self._count, -1)
        return window

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess:
        return LanguageGuess("en", 1.0)

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        assert self.go_on.wait(WAIT)
        return [() for _ in windows]

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        return ()

    def _count(self, change: int) -> None:
        with self._guard:
            self.alive += change
            self.most = max(self.most, self.alive)


def test_eight_runs_hold_one_batch_each_and_share_the_rest(
    transcribe: Transcribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.windows.FIRST_WINDOW", 2 * SAMPLE_RATE)
    monkeypatch.setattr("engine.windows.WINDOW_LIMIT", 3 * SAMPLE_RATE)
    counting, pcm = Counting(), np.tile(talk(ENGLISH), 3)
    with ThreadPoolExecutor(8) as threads:
        runs = [threads.submit(transcribe, pcm, counting, Options(language="en")) for _ in range(8)]
        seen = [-2, -1]
        for _ in range(200):
            if counting.alive and len({counting.alive, *seen[-10:]}) == 1:
                break
            seen.append(counting.alive)
            time.sleep(0.05)
        assert 8 <= counting.alive <= 8 * counting.batch_windows + 4
        counting.go_on.set()
        assert {run.result(WAIT).duration for run in runs} == {len(pcm) / SAMPLE_RATE}
    assert counting.most <= 8 * counting.batch_windows + 4 + 2  # each lane lets go a moment later


def test_room_is_given_to_people_first_and_to_whoever_has_nothing_else() -> None:
    workshop, order = Workshop(threads=1, room=2), []
    held = workshop.take(2, "bulk", given_up=lambda: False, needless=lambda: False)

    def want(name: str, priority: str, needless: bool = False) -> None:
        workshop.take(2, priority, given_up=lambda: False, needless=lambda: needless)  # type: ignore[arg-type]
        order.append(name)
        if not needless:
            workshop.give_back(2)

    with ThreadPoolExecutor(4) as threads:
        bulk = threads.submit(want, "bulk", "bulk")
        for _ in range(200):
            if workshop._line:
                break
            time.sleep(0.01)
        people = threads.submit(want, "people", "interactive")
        threads.submit(want, "only", "bulk", needless=True).result(WAIT)
        for _ in range(200):
            if len(workshop._line) == 2:
                break
            time.sleep(0.01)
        with pytest.raises(Cancelled):
            workshop.take(2, "bulk", given_up=lambda: True, needless=lambda: False)
        workshop.give_back(held)
        for future in (bulk, people):
            future.result(WAIT)
    assert order == ["only", "people", "bulk"]
    workshop.close()
