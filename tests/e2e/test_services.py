"""The product on PostgreSQL and Redis in place of SQLite: real servers, real web, worker and engine."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.accounts.scratch import POSTGRESQL, ROOT

CLIP = ROOT / "tests" / "fixtures" / "clips" / "en-us-1.wav"
START_SECONDS = 120.0

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgresql() -> Iterator[str]:
    name = f"services_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432: {error}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRESQL}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def redis_server(directory: Path) -> Iterator[tuple[str, psutil.Process]]:
    """One of our own: a test may stop it."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = psutil.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        until(lambda: answers(port))
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


class Product:
    def __init__(self, directory: Path, database: str, redis_url: str, sweep_seconds: float) -> None:
        self.port = free_port()
        self.database = database
        self.redis_url = redis_url
        self.log = directory / "log.txt"
        self._key = directory / "quickstart_key"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("STT_", "DJANGO"))}
        environment |= {
            "DATABASE_URL": database,
            "REDIS_URL": redis_url,
            "STT_DATA_DIR": str(directory),
            "STT_PORT": str(self.port),
            "STT_MODEL": str(ROOT / "tests" / "fixtures" / "micro_whisper"),
            "STT_FETCH_MODELS": "0",
            "STT_DEVICE": "cpu",
            "STT_THREADS": "1",
            "STT_SWEEP_SECONDS": str(sweep_seconds),
        }
        command = [sys.executable, "manage.py", "up"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self._key.exists() and bool(self._key.read_text().strip())

    def ask(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self._key.read_text().strip()}", "Content-Type": content_type}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def transcribe(self) -> tuple[int, dict[str, object]]:
        start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n\r\n'
        form = start + CLIP.read_bytes() + b"\r\n--b--\r\n"
        return self.ask("POST", "/v1/transcribe", form, "multipart/form-data; boundary=b")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


@contextmanager
def product(directory: Path, database: str, redis_url: str, sweep_seconds: float) -> Iterator[Product]:
    running = Product(directory, database, redis_url, sweep_seconds)
    try:
        yield running
    finally:
        running.stop()


def test_a_recording_becomes_a_transcript_on_postgresql_and_redis(tmp_path: Path) -> None:
    # The sweeper never comes, so the job is done only if Redis carries its message.
    with (
        postgresql() as database,
        redis_server(tmp_path) as (url, _),
        product(tmp_path, database, url, sweep_seconds=3600) as steno,
    ):
        status, body = steno.transcribe()
        assert (status, body.get("error")) == (200, None)
        assert str(body["text"]).strip()
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT state FROM transcripts_job").fetchall() == [("succeeded",)]
            assert connection.execute("SELECT state FROM accounts_reservation").fetchall() == [("settled",)]
        # The browser's copy and the index of the search follow a second after the answer.
        until(lambda: messages_in(database) == 0, 60)
        assert redis.from_url(url).llen("django_q:jobs:q") == 0
        assert_connections_are_given_back(steno)


def messages_in(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM django_q_ormq").fetchone()
    assert row is not None
    return int(row[0])


def assert_connections_are_given_back(steno: Product) -> None:
    with psycopg.connect(steno.database, autocommit=True) as connection:

        def open_connections() -> int:
            count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            row = connection.execute(count).fetchone()
            assert row is not None
            return int(row[0])

        before = open_connections()
        with ThreadPoolExecutor(15) as clients:
            asked = [clients.submit(steno.ask, "GET", "/api/v1/transcripts/") for _ in range(45)]
        assert [each.result()[0] for each in asked] == [200] * 45
        # A few more are the worker's, which made the playback copy meanwhile.
        until(lambda: open_connections() < before + 10, 10)


def test_a_redis_that_hangs_or_dies_stops_no_work(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path) as (url, server),
        product(tmp_path, "", url, sweep_seconds=1) as steno,
    ):
        assert steno.transcribe()[0] == 200
        for blow in (server.suspend, server.resume, server.kill):
            blow()
            status, body = steno.transcribe()
            assert (status, body.get("error")) == (200, None)
