"""A Chromium whose microphone hears a file."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soxr
from playwright.sync_api import Browser, Page, sync_playwright

from engine.types import SAMPLE_RATE
from tests.e2e.conftest import CHROMIUM
from tests.engine.speech import Pcm

DEVICE_RATE = 48_000


def as_a_microphone_hears(path: Path, pcm: Pcm) -> Path:
    """48 kHz in two channels, as devices are."""
    samples = soxr.resample(pcm.astype(np.float32), SAMPLE_RATE, DEVICE_RATE)
    both = np.repeat(np.clip(samples, -32768, 32767).astype("<i2"), 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(DEVICE_RATE)
        file.writeframes(both.tobytes())
    return path


@contextmanager
def hearing(path: Path) -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM} on this machine")
    arguments = (
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}%noloop",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def first_letter(page: Page) -> float:
    """How far below the top of its window the first letter of the captions stands."""
    return float(
        page.evaluate("""() => {
            const range = document.createRange();
            range.selectNodeContents(document.querySelector('.stage p'));
            const window = document.querySelector('.stage__lines').getBoundingClientRect();
            return range.getClientRects()[0].top - window.top;
        }""")
    )
