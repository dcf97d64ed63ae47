import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
STALL_SECONDS = 2.0


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """For what another process does: fails when it never comes, however slow the machine."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


@dataclass(frozen=True)
class Server:
    port: int
    data_dir: Path
    keys: dict[str, str]
    process: psutil.Process

    @property
    def incoming(self) -> list[Path]:
        directory = self.data_dir / "incoming"
        return sorted(directory.iterdir()) if directory.is_dir() else []

    def wait_until_empty(self) -> None:
        """The server notices a lost client a moment later than the client loses it."""
        until(lambda: not self.incoming)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def cookies(self, token: str) -> dict[str, str]:
        """Of Alice's browser."""
        return {"Cookie": f"sessionid={self.keys['session']}; csrftoken={token}"}

    def auth(self, name: str = "alice") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[name]}"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(self.body)
        return parsed


def read_answer(connection: socket.socket, method: str = "POST") -> Answer:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, response.headers, response.read())


def head(path: str, headers: Mapping[str, str | int], method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


BOUNDARY = "----boundary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(name: str, value: bytes, filename: bytes | None = None) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'.encode()
    if filename is not None:
        disposition += b'; filename="' + filename + b'"'
    return b"--" + BOUNDARY.encode() + b"\r\n" + disposition + b"\r\n\r\n" + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def start_server(data_dir: Path, log: Path | None = None, **environment: str) -> tuple[subprocess.Popen[str], Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STT_", "DJANGO"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.uploads.echo", str(port)],
        cwd=ROOT,
        env={**inherited, "STT_DATA_DIR": str(data_dir), **environment},
        stdout=subprocess.PIPE,
        stderr=log.open("w") if log else None,
        text=True,
    )
    assert process.stdout is not None
    keys = json.loads(process.stdout.readline())
    server = Server(port, data_dir, keys, psutil.Process(process.pid))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            server.connect().close()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    return process, server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    process, server = start_server(
        tmp_path_factory.mktemp("data"),
        STT_UPLOAD_STALL_SECONDS=str(STALL_SECONDS),
        STT_UPLOAD_LINGER_SECONDS="0.05",
        STT_LOG_LEVEL="WARNING",
        STT_ENGINE_SOCKET="/nonexistent/engine.sock",
    )
    yield server
    process.terminate()
    process.wait(20)
