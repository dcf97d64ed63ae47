"""What the browser tests of a transcript's page share."""

import time

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page

from accounts.models import User
from engine.types import Segment
from tests.web import rows
from transcripts.models import Transcript
from transcripts.web.sample import sample

SAMPLE = settings.BASE_DIR / "static" / "samples"


def until(page: Page, expression: str, seconds: float = 15) -> None:
    """Playwright's own wait evaluates a string in the page, which the content security policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never true: {expression}"
        page.wait_for_timeout(50)


def heard(
    owner: User | None, segments: tuple[Segment, ...] = sample().transcript.segments, **more: object
) -> Transcript:
    made = rows.transcript(owner, segments=segments, **more)  # type: ignore[arg-type]
    audio, peaks = (SAMPLE / "sample.mp3").read_bytes(), (SAMPLE / "peaks.bin").read_bytes()
    return rows.with_playback(made, audio, peaks)


def ready(page: Page) -> None:
    """Word times and sound are there."""
    page.wait_for_selector("[data-ready=words]")
    until(page, "document.querySelector('[data-player=position]').max > 20")


def violations(page: Page) -> list[str]:
    return [
        f"{item['id']}: {[node['html'][:150] for node in item['nodes'][:3]]}"
        for item in Axe().run(page).response["violations"]
    ]
