"""A real Chromium, and the whole product as `make run` starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.conftest import PASSWORD

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
MICRO_WHISPER = ROOT / "tests" / "fixtures" / "micro_whisper"
START_SECONDS = 300
"""On a machine that is busy with other things; a product that dies is noticed at once."""
# Playwright runs an event loop in the test's thread, in which Django would refuse to touch the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: while it is open, no other test can start a Playwright or an event loop.
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM} on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the console said: a violated content security policy, a script that failed, a file that is missing."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[Open]:
    """`open_page(**context)` is a fresh browser with one page. Whatever its console complains of fails the test."""
    contexts: list[BrowserContext] = []

    def open_one(**options: object) -> Page:
        context = browser.new_context(**{"reduced_motion": "reduce", **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: _note(message, complaints))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in ("error", "warning"):
        complaints.append(message.text)


def sign_in(page: Page, base: str, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{base}/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/transcripts/")


@pytest.fixture
def read(open_page: Open, live_server: LiveServer, alice: User) -> Callable[..., Page]:
    """Opens a page as Alice."""

    def open_as_alice(path: str, **options: object) -> Page:
        page = open_page(**options)
        sign_in(page, live_server.url, alice.email)
        page.goto(live_server.url + path)
        return page

    return open_as_alice


class Product:
    """`manage.py up` on data of its own, with the test model."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._output = data_dir / "output.txt"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("STT_", "DJANGO"))}
        environment |= {
            "STT_DATA_DIR": str(data_dir),
            "STT_PORT": self.address.rpartition(":")[2],
            "STT_FETCH_MODELS": "0",
            "STT_MODEL": str(MICRO_WHISPER),
            **settings,
        }
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        self.password = self._wait_for(r"password: (\S+)").group(1)
        self._wait_for(r"curl ")

    def _wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if match := re.search(pattern, self._output.read_text()):
                return match
            assert self.process.poll() is None, self._output.read_text()
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"{pattern!r} never appeared in:\n{self._output.read_text()}")

    def children(self, word: str) -> list[psutil.Process]:
        """Its processes with that word in their command line."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if any(word in part for part in child.cmdline())]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"))
    yield product
    product.stop()


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the test model understands: espeak-ng reads it."""
    path = tmp_path_factory.mktemp("talk") / "Room seven.wav"
    text = "Hello Maria. I have the new report. Please open the window and close the door."
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "155", "-w", str(path), text], check=True)
    return path
