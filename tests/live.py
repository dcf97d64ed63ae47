"""The whole product under its own supervisor (web, worker, engine), with the small test model, for tests over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from engine.types import SAMPLE_RATE
from tests.engine.speech import MICRO, Pcm, talk

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("en_door", "en_music", "en_water")
"""Clips that the test model hears without a mistake (tests.engine.speech)."""
START_SECONDS = 300
"""On a machine that is busy with other things; a product that dies is noticed at once."""
DRAIN = """
from accounts.models import User
from accounts.services import ledger
user = User.objects.get(email="{email}")
ledger.reserve(user, "test:drained", ledger.available_mc(user))
"""


@dataclass(frozen=True)
class Product:
    address: str
    environment: dict[str, str]
    data_dir: Path
    speech: Path
    seconds: float

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=120)

    def key(self, email: str, minutes: int = 0) -> str:
        """A live key of that account, which gets `minutes` of credit."""
        return self.manage("create_api_key", "--email", email, "--credits", str(minutes)).strip()

    def drain(self, email: str) -> None:
        """Leaves that account without credits."""
        self.manage("shell", "--no-imports", "-c", DRAIN.format(email=email))

    def manage(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[Product]:
    """`settings` are environment variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STT_", "DJANGO"))}
    environment |= {
        "STT_DATA_DIR": str(data_dir),
        "STT_PORT": str(port),
        "STT_MODEL": str(MICRO),
        "STT_FETCH_MODELS": "0",
        **settings,
    }
    said = data_dir / "output.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    speech = write_wav(data_dir / "a.wav", NAMES)
    product = Product(f"http://127.0.0.1:{port}", environment, data_dir, speech, len(talk(NAMES)) / SAMPLE_RATE)
    try:
        deadline = time.monotonic() + START_SECONDS
        with product.client() as client:
            while not _healthy(client):
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < deadline, said.read_text()
                time.sleep(0.2)
        yield product
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def write_wav(path: Path, names: tuple[str, ...]) -> Path:
    return write_pcm(path, talk(names))


def write_pcm(path: Path, pcm: Pcm) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.tobytes())
    return path


def _healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def live_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One for all: give each module accounts of its own."""
    with running(tmp_path_factory.mktemp("product")) as product:
        yield product
