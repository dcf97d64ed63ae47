"""Several engine processes behind one face: real processes over real sockets."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.client import EngineClient
from engine.errors import EngineGone
from engine.fleet import EngineFleet, connect
from engine.types import EngineStatus, Event, Options
from tests.engine.speech import MICRO, TEXTS, talk
from tests.engine.stand_in import StandIn
from tests.engine.wav import write_wav

ROOT = Path(__file__).parents[2]
WAIT = 60.0


def until(true: Callable[[], bool], seconds: float = WAIT) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(client: EngineClient) -> bool:
    try:
        return any(model.loaded for model in client.status().models)
    except EngineGone:
        return False


class Process:
    def __init__(self, folder: Path, number: int) -> None:
        socket = folder / f"{number}.sock"
        environment = {"STT_DATA_DIR": str(folder), "STT_MODEL": str(MICRO), "STT_DEVICE": "cpu", "STT_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve", "--socket", str(socket)],
            cwd=ROOT,
            env=environment | {"STT_FETCH_MODELS": "0"},
            stderr=subprocess.DEVNULL,
        )
        self.client = EngineClient(socket)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Process]]:
    processes = [Process(tmp_path, number) for number in range(2)]
    try:
        for process in processes:
            until(lambda process=process: answers(process.client))  # type: ignore[misc]
        yield processes
    finally:
        for process in processes:
            process.process.kill()
            process.process.wait(WAIT)


@pytest.mark.slow
def test_work_goes_to_the_engine_with_the_least_to_do_and_past_a_dead_one(two: list[Process], tmp_path: Path) -> None:
    fleet = EngineFleet([process.client for process in two])
    speech = write_wav(tmp_path / "speech.wav", talk(["en_door"]))
    said = TEXTS["en_door"]
    began, go_on = [threading.Event() for _ in two], threading.Event()

    def transcribe(number: int) -> str:
        def hold(event: Event) -> None:
            began[number].set()
            go_on.wait(WAIT)

        return fleet.transcribe(speech, Options(language="en"), on_event=hold).text

    with ThreadPoolExecutor(2) as threads:
        runs = []
        for number in range(2):
            runs.append(threads.submit(transcribe, number))
            assert began[number].wait(WAIT)
        assert [process.client.status().running for process in two] == [1, 1]
        assert fleet.status().running == 2
        go_on.set()
        assert [run.result(WAIT) for run in runs] == [said, said]
    two[0].process.kill()
    two[0].process.wait(WAIT)
    for _ in range(3):
        assert fleet.probe(speech).channels == 1
        assert fleet.transcribe(speech, Options(language="en"), on_event=lambda event: None).text == said
    two[1].process.kill()
    two[1].process.wait(WAIT)
    for ask in (fleet.status, lambda: fleet.probe(speech)):
        with pytest.raises(EngineGone):
            ask()


class Busy(StandIn):
    def __init__(self, running: int, queued: int) -> None:
        super().__init__()
        self.work = (running, queued)

    def status(self) -> EngineStatus:
        return replace(super().status(), running=self.work[0], queued=self.work[1])


@pytest.mark.parametrize(
    ("work", "chosen"), [([(2, 0), (1, 9), (3, 0)], 1), ([(1, 8), (1, 7), (1, 9)], 1), ([(4, 0), (4, 0), (0, 50)], 2)]
)
def test_fewer_recordings_then_fewer_windows(work: list[tuple[int, int]], chosen: int, tmp_path: Path) -> None:
    engines = [Busy(*figures) for figures in work]
    script = tmp_path / "script"
    script.write_text("1")
    fleet = EngineFleet(engines)
    fleet.transcribe(script, Options(), on_event=lambda event: None)
    assert [engine.began.is_set() for engine in engines] == [number == chosen for number in range(3)]
    assert (fleet.status().running, fleet.status().queued) == (sum(r for r, _ in work), sum(q for _, q in work))


def test_one_socket_needs_no_fleet(tmp_path: Path) -> None:
    assert isinstance(connect([tmp_path / "one.sock"]), EngineClient)
