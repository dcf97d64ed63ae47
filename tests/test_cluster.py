"""django-q2's cluster under SIGKILL: real processes, a queue in a database of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
WAIT_SECONDS = 30.0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def manage(environment: dict[str, str], source: str) -> None:
    subprocess.run([sys.executable, "manage.py", "shell", "-c", source], cwd=ROOT, env=environment, check=True)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STT_", "DJANGO", "DATABASE_URL"))}
    environment = kept | {"STT_DATA_DIR": str(tmp_path), "STT_WORKERS": "2", "STT_FETCH_MODELS": "0"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    return environment


@pytest.fixture
def worker(environment: dict[str, str]) -> Iterator[psutil.Process]:
    process = subprocess.Popen([sys.executable, "manage.py", "runworker"], cwd=ROOT, env=environment)
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def cluster_members(worker: psutil.Process) -> list[psutil.Process]:
    return [member for sentinel in worker.children() for member in sentinel.children()]


@pytest.mark.slow
def test_messages_are_taken_after_every_idle_member_of_the_cluster_was_killed(
    environment: dict[str, str], worker: psutil.Process, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    done.mkdir()
    for turn in range(4):
        wait_until(lambda: len(cluster_members(worker)) == 4)
        for member in cluster_members(worker):
            member.send_signal(signal.SIGKILL)
            member.wait(WAIT_SECONDS)
        manage(environment, f"from stt_site.lib.queue import ring; ring('os.mkdir', '{done / str(turn)}')")
        wait_until(lambda turn=turn: (done / str(turn)).exists())  # type: ignore[misc]

    everyone = worker.children(recursive=True)
    worker.terminate()
    _, alive = psutil.wait_procs([worker, *everyone], timeout=WAIT_SECONDS)
    assert alive == []


@pytest.mark.slow
def test_a_killed_worker_command_leaves_no_process_behind(worker: psutil.Process) -> None:
    wait_until(lambda: len(cluster_members(worker)) == 4)
    everyone = worker.children(recursive=True)
    worker.kill()
    _, alive = psutil.wait_procs(everyone, timeout=WAIT_SECONDS)
    assert alive == []


@pytest.mark.slow
def test_a_worker_command_stops_though_its_cluster_hangs(worker: psutil.Process) -> None:
    wait_until(lambda: len(cluster_members(worker)) == 4)
    everyone = [worker, *worker.children(recursive=True)]
    worker.children()[0].suspend()
    worker.terminate()
    _, alive = psutil.wait_procs(everyone, timeout=2 * WAIT_SECONDS)
    assert alive == []


@pytest.mark.slow
def test_a_worker_command_whose_parent_ended_before_it_began_does_not_begin(environment: dict[str, str]) -> None:
    program = (
        "import os, subprocess, sys; command = [sys.executable, 'manage.py', 'runworker']; "
        "print(subprocess.Popen([*command, f'--exit-with-parent={os.getpid()}'], stdout=subprocess.DEVNULL).pid)"
    )
    started = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    orphan = int(started.stdout)
    wait_until(lambda: not psutil.pid_exists(orphan))
