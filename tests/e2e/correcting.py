"""What the browser tests of the editor share."""

from collections.abc import Callable

from django.test import Client
from playwright.sync_api import Locator, Page, expect

from tests.web import rows
from transcripts import selectors, storage
from transcripts.models import Job, Transcript
from transcripts.services.run import run_job

Read = Callable[..., Page]
TALK = (
    rows.spoken("Right, we start with the brief.", 0.5, speaker="Speaker 1", language="en"),
    rows.spoken("Twelve fifty including the batery?", 4.0, speaker="Speaker 2", language="en"),
    rows.spoken("The batery is where the money goes.", 8.0, speaker="Speaker 1", language="en"),
    rows.spoken("Then the buttons.", 12.0, speaker="Speaker 3", language="en"),
)


def opened(read: Read, made: Transcript, **options: object) -> Page:
    page = read(f"/transcripts/{made.slug}/", **options)
    page.wait_for_selector("[data-editor=ready]")
    return page


def texts(page: Page) -> list[str]:
    return page.locator("[data-turn] .turn__text").all_inner_texts()


def stored(made: Transcript) -> list[str]:
    fresh = Transcript.objects.get(pk=made.pk)
    return [turn.text for turn in selectors.turns(fresh).turns]


def turn(page: Page, number: int) -> Locator:
    return page.locator("[data-turn]").nth(number)


def edit(page: Page, number: int, words: str) -> None:
    """Opens a turn by double click and puts `words` behind its text."""
    turn(page, number).locator(".turn__text").dblclick()
    page.keyboard.press("End")
    page.keyboard.press("Control+End")
    page.keyboard.type(words)


def saved(page: Page) -> None:
    expect(page.locator("[data-edit=state]")).to_have_attribute("data-state", "saved")


def second_version(made: Transcript, client: Client) -> None:
    """By the stand-in engine; it is what the page shows from then on."""
    assert made.owner is not None
    with storage.scratch_file() as source:
        source.write_bytes(b"RIFF")
        storage.store(made.media.key, storage.SOURCE, source)
    client.force_login(made.owner)
    asked = client.post(f"/api/v1/transcripts/{made.slug}/versions/", {}, "application/json")
    assert asked.status_code == 202, asked.content
    run_job(Job.objects.latest("pk").pk)
    assert Transcript.objects.get(pk=made.pk).version == 2
