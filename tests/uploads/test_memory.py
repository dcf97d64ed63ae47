"""Many large uploads at once: the web process must not grow with them.

TEST_UPLOADS and TEST_UPLOAD_MB set the load; 20 of 500 MB is what is promised.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import psutil
import pytest

from tests.uploads.conftest import END, MULTIPART, Server, head, part, read_answer, start_server

UPLOADS = int(os.environ.get("TEST_UPLOADS", "20"))
MB = 1_000_000
SIZE = int(os.environ.get("TEST_UPLOAD_MB", "50")) * MB
MOST_GROWTH = 64 * 1024 * 1024


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    process, server = start_server(tmp_path, STT_LOG_LEVEL="WARNING", STT_DISK_RESERVE_MB="0")
    yield server
    process.terminate()
    process.wait(20)


def upload(server: Server, size: int) -> int:
    start = part("refuse", b"1") + part("file", b"", b"long.wav").removesuffix(b"\r\n")
    length = len(start) + size + 2 + len(END)
    with server.connect() as connection:
        connection.settimeout(300)
        connection.sendall(head("/v1/transcribe", {**MULTIPART, **server.auth(), "Content-Length": length}) + start)
        piece = bytes(MB)
        for _ in range(size // MB):
            connection.sendall(piece)
        connection.sendall(b"\r\n" + END)
        return read_answer(connection).status


def highest_memory_while(running: list["Future[int]"], process: psutil.Process) -> int:
    highest = 0
    while wait(running, timeout=0.02).not_done:
        highest = max(highest, process.memory_info().rss)
    return highest


@pytest.mark.slow
def test_parallel_uploads_leave_the_web_process_as_small_as_it_was(fresh_server: Server) -> None:
    # The first request loads what every later one uses.
    assert upload(fresh_server, MB) == 400
    before = fresh_server.process.memory_info().rss
    with ThreadPoolExecutor(UPLOADS) as clients:
        running = [clients.submit(upload, fresh_server, SIZE) for _ in range(UPLOADS)]
        highest = highest_memory_while(running, fresh_server.process)
    assert [each.result() for each in running] == [400] * UPLOADS
    fresh_server.wait_until_empty()
    grown = highest - before
    print(f"{UPLOADS} uploads of {SIZE // MB} MB: {before >> 20} MiB before, {grown / 2**20:.1f} MiB more at the most")
    assert grown <= MOST_GROWTH


@pytest.mark.slow
def test_a_refused_body_costs_no_memory_and_no_disk(fresh_server: Server) -> None:
    assert upload(fresh_server, MB) == 400
    before = fresh_server.process.memory_info().rss
    with fresh_server.connect() as connection:
        length = 2_000 * MB
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Authorization": "Bearer x", "Content-Length": length}))
        assert read_answer(connection).status == 401
    assert fresh_server.incoming == []
    assert fresh_server.process.memory_info().rss - before < 16 * 1024 * 1024
