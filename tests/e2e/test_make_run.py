"""`make run` as a newcomer meets it: real supervisor, real processes, the printed curl line run as printed."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`manage.py up`, which is all that `make run` does after installing."""

    def __init__(self, data_dir: Path) -> None:
        self.port = free_port()
        self.output = data_dir / "output.txt"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("STT_", "DJANGO"))}
        environment |= {"STT_DATA_DIR": str(data_dir), "STT_PORT": str(self.port), "STT_FETCH_MODELS": "0"}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def read(self) -> str:
        return self.output.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.read()):
                return match
            assert self.process.poll() is None, self.read()
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} never appeared in:\n{self.read()}")

    def children(self, word: str) -> list[psutil.Process]:
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # a zombie that is not reaped yet
                if word in child.cmdline():
                    found.append(child)
        return found

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    if server.process.poll() is None:
        server.stop()


def run_curl(line: str) -> dict[str, object]:
    done = subprocess.run([*shlex.split(line), "-sS"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.slow
def test_the_printed_curl_line_gives_a_transcript_and_ctrl_c_stops_everything(server: Server, tmp_path: Path) -> None:
    line = server.wait_for(r"(?m)^\s+(curl .*)$").group(1)
    answer = run_curl(line)
    assert str(answer["text"]).strip()
    assert answer["language"] == "en"
    assert server.read().count("assword") >= 1

    everyone = psutil.Process(server.process.pid).children(recursive=True)
    assert {"uvicorn", "runworker", "runengine"} <= {
        word for child in everyone for word in child.cmdline() if word in ("uvicorn", "runworker", "runengine")
    }
    server.stop()
    _, alive = psutil.wait_procs(everyone, timeout=30)
    assert not alive, [child.cmdline() for child in alive]

    again = Server(tmp_path)
    try:
        second_line = again.wait_for(r"(?m)^\s+(curl .*)$").group(1)
        assert "assword" not in again.read(), "the administrator's password is shown once"
        assert run_curl(second_line)["text"] == answer["text"]
    finally:
        again.stop()


@pytest.mark.slow
@pytest.mark.parametrize("child", ["uvicorn", "runworker", "runengine"])
def test_a_killed_child_is_restarted_and_work_goes_on(server: Server, child: str) -> None:
    line = server.wait_for(r"(?m)^\s+(curl .*)$").group(1)
    (victim,) = server.children(child)
    victim.kill()
    victim.wait(30)
    deadline = time.monotonic() + START_SECONDS
    while not server.children(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run_curl(line + " --fail --retry 30 --retry-delay 1 --retry-all-errors")["text"]
