"""Events told many times at once: a real web server, a real worker with several processes, a real database."""

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.accounts.scratch import ROOT, Scratch, scratch_database
from tests.stripe_double.server import SECRET, Double, running, send

BUYERS, TIMES, THREADS = 5, 10, 8


@contextmanager
def served(scratch: Scratch, directory: Path) -> Iterator[str]:
    """Web and worker on the scratch database. Yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = ["-m", "uvicorn", "stt_site.asgi:application", "--port", str(port), "--lifespan", "off"]
    with (directory / "output.txt").open("w") as output:
        started = [
            subprocess.Popen([sys.executable, *each], cwd=ROOT, env=scratch.environment, stdout=output, stderr=output)
            for each in (web, ["manage.py", "runworker"])
        ]
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(60)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the web server did not start")


@pytest.fixture
def double() -> Iterator[Double]:
    with running() as double:
        yield double


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_each_event_ten_times_by_eight_threads_counts_once(engine: str, double: Double, tmp_path: Path) -> None:
    price = double.world.price(900, 300)
    with scratch_database(engine, tmp_path) as scratch:
        scratch.environment |= {
            "STT_STRIPE_API": double.address,
            "STT_STRIPE_SECRET_KEY": double.world.key,
            "STT_STRIPE_WEBHOOK_SECRET": SECRET,
            "STT_FREE_MINUTES_PER_MONTH": "0",
        }
        sessions = json.loads(scratch.run("-m", "tests.accounts.buyers", "begin", price["id"], str(BUYERS)))
        for session in sessions:
            double.world.pay(session, later=True)
            double.world.arrive(session)
        told = list(double.world.events) * TIMES
        random.Random(5).shuffle(told)
        with served(scratch, tmp_path) as address, ThreadPoolExecutor(THREADS) as threads:
            answers = set(threads.map(lambda event: send(event, f"{address}/stripe/webhook/"), told))
            report = json.loads(scratch.run("-m", "tests.accounts.buyers", "report", "120"))
    assert answers == {200}
    assert report == {
        "events": len(told) // TIMES,
        "outcomes": ["applied"],
        "states": ["paid"],
        "paid": [300_000] * BUYERS,
        "breaches": [],
    }
