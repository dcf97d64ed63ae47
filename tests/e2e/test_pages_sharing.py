"""Links, the list and the captions in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.e2e.conftest import Open
from tests.e2e.reading import heard, until, violations
from tests.web import rows
from transcripts.models import Job, JobState, Tag, Transcript
from transcripts.services import shares
from transcripts.services.shares import Terms

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Read = Callable[..., Page]
ARABIC = (rows.spoken("يمكننا استخدام بطارية عادية في البداية.", 0, language="ar"),)


def link(made: Transcript, base: str, **terms: object) -> str:
    return f"{base}/s/{shares.token_of(shares.create(made, Terms(**terms)))}/"  # type: ignore[arg-type]


def test_a_shared_page_needs_no_script(open_page: Open, live_server: LiveServer, alice: User) -> None:
    made = heard(alice, title="The library")
    guest = open_page(java_script_enabled=False)
    guest.goto(link(made, live_server.url, downloads=True, password="open sesame"))
    guest.get_by_label("Password").fill("open sesame")
    guest.get_by_role("button", name="Open").click()
    expect(guest.get_by_text("That is wonderful.")).to_be_visible()
    expect(guest.locator("audio")).to_be_visible()
    guest.get_by_label("Find in this transcript").fill("young people")
    guest.get_by_role("button", name="Find").click()
    expect(guest.get_by_text("1 place with")).to_be_visible()
    guest.locator(".places").get_by_role("link").click()
    expect(guest.locator("[data-line]:target mark")).to_have_text("young people")
    guest.get_by_role("button", name="Download").click()
    with guest.expect_download() as download:
        guest.get_by_role("link", name="SubRip").click()
    assert download.value.suggested_filename == f"{made.slug}.srt"


def test_a_shared_page_plays_from_the_moment_of_its_link(
    open_page: Open, live_server: LiveServer, alice: User, complaints: list[str]
) -> None:
    made = heard(alice)
    guest = open_page()
    guest.goto(link(made, live_server.url) + "#t=12")
    until(guest, "document.querySelector('[data-player=now]').textContent === '0:12'")
    guest.get_by_role("button", name="Play").click()
    until(guest, "document.querySelector('[data-player=now]').textContent === '0:13'")
    guest.goto(link(made, live_server.url, text=False))
    expect(guest.get_by_text("Only the recording is shared here.")).to_be_visible()
    guest.get_by_role("button", name="Play").click()
    until(guest, "document.querySelector('[data-player=now]').textContent === '0:01'")
    guest.goto(f"{live_server.url}/s/nothing/")
    expect(guest.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    complaints[:] = [line for line in complaints if "404" not in line]


def test_the_owner_makes_a_link_and_revokes_it(read: Read, open_page: Open, alice: User, complaints: list[str]) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/")
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Downloads").check()
    preview = page.get_by_role("link", name="Preview")
    expect(preview).to_have_attribute("href", re.compile("text=on&audio=on&downloads=on"))
    page.get_by_role("button", name="Make the link").click()
    address = page.get_by_label("The new link").input_value()
    guest = open_page()
    guest.goto(address)
    expect(guest.get_by_text("That is wonderful.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 view", exact=True)).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The link is revoked.")).to_be_visible()
    guest.reload()
    expect(guest.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    complaints[:] = [line for line in complaints if "404" not in line]


def test_several_are_tagged_and_thrown_away_and_taken_back(read: Read, alice: User) -> None:
    made = [rows.transcript(alice, title=f"Talk {number}") for number in range(4)]
    page = read("/transcripts/")
    bar = page.get_by_role("group", name="With the selected transcripts")
    top = page.locator("tbody tr").first.bounding_box()
    page.get_by_label("Select Talk 3").check()
    page.get_by_label("Select Talk 1").click(modifiers=["Shift"])
    expect(bar.get_by_text("3 selected")).to_be_visible()
    assert page.locator("tbody tr").first.bounding_box() == top, "no row moves"
    bar.get_by_role("button", name="Tag").click()
    page.get_by_label("Tag", exact=True).fill("board")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“board” is on 3 transcripts.")).to_be_visible()
    assert Tag.objects.filter(name="board").count() == 3
    page.get_by_label("Select all that are shown").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export zip").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.get_by_label("Select Talk 0").uncheck()
    bar.get_by_role("button", name="Trash").click()
    expect(page.get_by_role("rowheader")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("rowheader")).to_have_count(4)
    page.locator(f"#row-{made[2].slug}").get_by_role("button", name="More for Talk 2").click()
    page.get_by_role("button", name="To the trash").click()
    expect(page.get_by_text("“Talk 2” is in the trash for 7 days.")).to_be_visible()


def test_rows_change_and_come_without_taking_the_focus(read: Read, alice: User) -> None:
    for number in range(55):
        rows.transcript(alice, title=f"Talk {number:02}")
    running = rows.transcript(alice, title="Running", state=JobState.RUNNING, job={"phase": "transcribing"})
    page = read("/transcripts/")
    row = page.locator(f"#row-{running.slug}")
    menu = row.get_by_role("button", name="More for Running")
    row.get_by_label("Select Running").check()
    menu.focus()
    Job.objects.filter(pk=running.job_id).update(state=JobState.SUCCEEDED)
    Transcript.objects.filter(pk=running.pk).update(word_count=3, speakers=["Priya"])
    expect(row).to_contain_text("Ready", timeout=10_000)
    expect(row).to_contain_text("Priya")
    expect(menu).to_be_focused()
    expect(row.get_by_label("Select Running")).to_be_checked()
    assert page.title().startswith("(1 ready)")
    page.get_by_role("link", name="Load more").click()
    expect(page.get_by_role("rowheader")).to_have_count(56)
    expect(page.get_by_text("56 of 56 shown")).to_be_visible()
    expect(page.get_by_role("link", name="Talk 05")).to_be_focused()
    assert page.get_by_label("Select Running").is_checked()


def test_the_times_of_a_caption_by_keyboard(read: Read, alice: User, complaints: list[str]) -> None:
    made = heard(alice)
    page = read(f"/transcripts/{made.slug}/subtitles/")
    page.wait_for_selector("[data-subtitles=ready]")
    caption = page.locator("#c1")
    times = caption.get_by_role("link", name="Times of caption 1")
    times.focus()
    page.keyboard.press("Enter")
    start = caption.get_by_label("In")
    expect(start).to_be_focused()
    before = start.input_value()
    page.keyboard.press("ArrowUp")
    expect(start).not_to_have_value(before)
    moved = start.input_value()
    page.keyboard.press("Enter")
    expect(times).to_be_focused()
    expect(times).to_contain_text(moved)
    page.keyboard.press("Enter")
    caption.get_by_label("Out").fill("0:09.000")
    page.keyboard.press("Enter")
    expect(caption.get_by_role("alert")).to_contain_text("That would overlap another caption")
    page.keyboard.press("Escape")
    expect(times).to_be_focused()
    caption.get_by_role("link", name="Caption 1", exact=True).click()
    expect(page.locator("[data-screen]")).to_contain_text("public library")
    expect(caption).to_have_attribute("aria-current", "true")
    page.reload()
    expect(times).to_contain_text(moved)
    page.get_by_role("button", name="Undo").click()
    expect(times).to_contain_text(before)
    complaints[:] = [line for line in complaints if "409" not in line]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier_that_axe_finds_or_scrolls_sideways(
    read: Read, live_server: LiveServer, alice: User, scheme: str, complaints: list[str]
) -> None:
    made, arabic = heard(alice, title="Remote control design"), heard(alice, ARABIC, language="ar")
    rows.transcript(alice, title="Thrown away", trashed_at=made.created_at)
    shown = link(made, "", downloads=True)
    paths = [
        "/transcripts/?q=library", "/trash/", shown, f"{shown}?q=the", link(arabic, ""), link(made, "", text=False),
        link(made, "", password="open sesame"), "/s/nothing/", f"/transcripts/{made.slug}/share/",
        f"/transcripts/{made.slug}/subtitles/", f"/transcripts/{arabic.slug}/subtitles/",
        f"/transcripts/{made.slug}/subtitles/1/",
    ]  # fmt: skip
    page = read("/transcripts/", color_scheme=scheme)
    page.get_by_label("Select Remote control design").check()
    found = [f"selection: {line}" for line in violations(page)]
    for path in paths:
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        found += [f"{path}: {line}" for line in violations(page)]
        page.set_viewport_size({"width": 320, "height": 700})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{path} is too wide")
        page.set_viewport_size({"width": 1280, "height": 720})
    assert not found
    complaints[:] = [line for line in complaints if "404" not in line]
