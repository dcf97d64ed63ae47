"""The pages in a real browser, over rows that are already there."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from engine.types import Chunk, EngineStatus, ModelStatus, Segment
from tests.e2e.conftest import Open, sign_in
from tests.e2e.reading import SAMPLE, heard, ready, until, violations
from tests.web import rows
from transcripts import engine_gateway
from transcripts.models import Job, JobState, Transcript
from transcripts.web.sample import sample

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIT = "[...CSS.highlights.get('now')].map((range) => range.toString()).join()"
NOW = "document.querySelector('[data-player=now]').textContent"
DOUBT = {"start": 15.4, "end": 16.7, "reason": "low score"}
EMBEDDED = {"code": "embedded_model", "message": "The packaged recogniser answered."}
PLAIN = {"code": "speaker_labels_unavailable", "message": "No speaker labels."}


@pytest.fixture(autouse=True)
def engine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    models = (ModelStatus("base", True, False), ModelStatus("small", False, False))
    status = EngineStatus("pocketsphinx-en-us", True, "cpu", None, None, "full", models)
    monkeypatch.setattr(engine_gateway, "status", lambda: status)


def click_word(page: Page, word: str, line: int | None = None) -> None:
    """In the line of that number, else in the first that has it."""
    numbers = page.locator("[data-line]").evaluate_all(
        "(all, word) => all.map((one) => one.innerText.includes(word))", word
    )
    chosen = page.locator("[data-line]").nth(numbers.index(True) if line is None else line)
    for _ in range(2):  # turns get their true height when they come near the screen, and push the others
        chosen.evaluate("line => line.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(100)
    x, y = chosen.evaluate(
        """(line, word) => {
            const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            while (walk.nextNode() && !walk.currentNode.data.includes(word));
            const range = document.createRange();
            range.setStart(walk.currentNode, walk.currentNode.data.indexOf(word));
            range.setEnd(walk.currentNode, walk.currentNode.data.indexOf(word) + word.length);
            const box = range.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }""",
        word,
    )
    page.mouse.click(x, y)


def test_a_click_on_a_word_plays_from_there_and_the_light_moves_on(read: Callable[..., Page], alice: User) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/")
    ready(page)
    click_word(page, "young")
    until(page, f"{LIT} === 'young'")
    assert page.evaluate(NOW) == "0:12"
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, f'{LIT} === "o\'clock."')
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".turn[aria-current=true]")).to_have_count(1)


def test_a_selection_is_no_click(read: Callable[..., Page], alice: User) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/")
    ready(page)
    box = page.locator("[data-line]").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 10)
    page.mouse.up()
    assert page.evaluate("getSelection().toString().trim().length") > 0
    assert page.evaluate(NOW) == "0:00"


def test_without_the_highlight_api_the_word_is_wrapped_and_the_text_stays_whole(
    read: Callable[..., Page], alice: User
) -> None:
    page = read("/transcripts/")
    page.add_init_script("delete window.Highlight")
    page.goto(page.url + f"{heard(alice).slug}/")
    ready(page)
    for word in ("meeting", "o'clock."):
        click_word(page, word)
        expect(page.locator("[data-text] mark")).to_have_text(word)
    assert sample().transcript.segments[3].text in page.locator("[data-line]:has(mark)").inner_text()


def test_keys(read: Callable[..., Page], alice: User) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/#t=10")
    ready(page)
    until(page, f"{NOW} === '0:10'")
    for key, clock in (
        ("l", "0:13"),
        ("j", "0:10"),
        ("Shift+L", "0:20"),
        ("[", "0:16"),
        ("]", "0:22"),
        ("ArrowLeft", "0:19"),
    ):
        page.keyboard.press(key)
        until(page, f"{NOW} === '{clock}'")
    page.keyboard.press(".")
    expect(page.locator("[data-player=speed]")).to_have_text("1.1×")
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    before = page.evaluate(NOW)
    page.keyboard.press("l")
    assert page.evaluate(NOW) == before


def test_the_slider_says_where_it_is_and_moves_by_five_and_by_thirty(read: Callable[..., Page], alice: User) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/")
    ready(page)
    slider = page.get_by_role("slider", name="Position")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "5 seconds of 37 seconds")
    page.keyboard.press("PageUp")
    expect(slider).to_have_attribute("aria-valuetext", "35 seconds of 37 seconds")


HOURS = 3 * 3600


def long_talk() -> tuple[Segment, ...]:
    """28,000 words in three hours, twenty to a segment."""
    words = " ".join(f"word{i}" for i in range(20))
    return tuple(rows.spoken(words, HOURS / 1400 * i, per_word=0.38) for i in range(1400))


@pytest.fixture(scope="session")
def silence(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("silence") / "three-hours.flac"
    source = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", str(HOURS)]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:a", "flac", str(path)], check=True)
    return path.read_bytes()


def test_twenty_eight_thousand_words(read: Callable[..., Page], alice: User, silence: bytes) -> None:
    made = rows.with_playback(rows.transcript(alice, segments=long_talk()), silence)
    page = read(f"/transcripts/{made.slug}/")
    ready(page)
    turns = page.locator("[data-line]").count()
    assert turns == page.locator("[data-turn]").count() > 200
    for line in (turns - 1, 3, turns // 2):
        click_word(page, "word7", line)
        until(page, f"{LIT} === 'word7'")
        held = page.evaluate("[...CSS.highlights.get('now')][0].startContainer.parentElement.dataset.line")
        assert held == str(line)
    # What is off screen is within the reach of the browser's own search.
    assert page.evaluate("window.find('word19')")


def test_the_page_follows_the_voice_until_the_reader_turns_away(read: Callable[..., Page], alice: User) -> None:
    talk = tuple(
        rows.spoken("A sentence of six words here.", 0.25 * i, per_word=0.04, speaker=f"S{i % 2}") for i in range(100)
    )
    page = read(f"/transcripts/{heard(alice, talk).slug}/", viewport={"width": 1000, "height": 600})
    ready(page)
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, "scrollY > 200")
    page.wait_for_timeout(1000)  # what the page scrolls itself does not count as turning away
    page.mouse.move(400, 300)
    page.mouse.wheel(0, 6000)
    back = page.get_by_role("button", name="Back to the words being spoken")
    expect(back).to_be_visible()
    until(page, "scrollY > 4000")
    page.wait_for_timeout(700)
    assert page.evaluate("scrollY") > 4000, "the voice must not pull the reader back"
    back.click()
    expect(back).to_be_hidden()
    until(page, "scrollY < 4000")


def test_the_player_comes_when_the_recording_is_ready(read: Callable[..., Page], alice: User) -> None:
    made = rows.transcript(alice, segments=sample().transcript.segments)
    page = read(f"/transcripts/{made.slug}/")
    player = page.get_by_role("group", name="Player")
    expect(player).to_be_hidden()
    rows.with_playback(made, (SAMPLE / "sample.mp3").read_bytes(), (SAMPLE / "peaks.bin").read_bytes())
    expect(player).to_be_visible()
    ready(page)


def test_export_shows_the_first_lines_and_downloads(read: Callable[..., Page], alice: User) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/")
    page.get_by_role("link", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export")
    for name, line in (
        ("srt", "-->"),
        ("vtt", "WEBVTT"),
        ("json", "ai_generated"),
        ("md", "library"),
        ("pdf", "library"),
    ):
        dialog.locator(f"[value={name}]").check()
        expect(dialog.locator("[data-preview]")).to_contain_text(line)
        with page.expect_download() as download:
            dialog.get_by_role("button", name=f"Download {name}").click()
        assert download.value.suggested_filename.endswith(f".{name}")
        assert Path(download.value.path()).stat().st_size > 100
        page.get_by_role("link", name="Export").click()
    page.reload()
    page.get_by_role("link", name="Export").click()
    expect(dialog.locator("[value=pdf]")).to_be_checked()


def test_rename_and_delete(read: Callable[..., Page], alice: User) -> None:
    made = heard(alice)
    page = read(f"/transcripts/{made.slug}/")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_role("textbox", name="Title").fill("The library")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The library")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Move to trash").click()
    page.wait_for_url("**/transcripts/")
    expect(page.get_by_text("“The library” is in the trash")).to_be_visible()
    assert Transcript.objects.get(pk=made.pk).trashed_at


def test_a_row_becomes_ready_without_a_reload_and_keeps_the_focus(read: Callable[..., Page], alice: User) -> None:
    made = rows.transcript(alice, state=JobState.RUNNING, job={"phase": "transcribing"})
    page = read("/transcripts/")
    row = page.locator(f"#row-{made.slug}")
    link = row.get_by_role("link")
    link.focus()
    expect(row).to_contain_text("Transcribing")
    Job.objects.filter(pk=made.job_id).update(state=JobState.SUCCEEDED)
    Transcript.objects.filter(pk=made.pk).update(word_count=3, language="en", duration_ms=5000)
    expect(row).to_contain_text("Ready", timeout=10_000)
    expect(row).to_contain_text("English")
    expect(page.locator("#status")).to_have_text(f"{made.title}: Ready")
    expect(link).to_be_focused()
    assert page.title().startswith("(1 ready)")


def test_text_appears_while_it_is_written_and_then_the_transcript(read: Callable[..., Page], alice: User) -> None:
    segments = sample().transcript.segments
    chunk = Chunk(0, 0, 10, segments[:2], (), "en", 1.0)
    made = rows.transcript(
        alice, state=JobState.RUNNING, segments=segments, chunks=[chunk], job={"phase": "transcribing"}
    )
    page = read(f"/transcripts/{made.slug}/")
    expect(page.get_by_text(segments[1].text)).to_be_visible()
    rows.add_chunk(made, Chunk(1, 10, 20, segments[2:4], (), "en", 1.0))
    expect(page.get_by_text(segments[3].text)).to_be_visible()
    expect(page.locator("[data-line]")).to_have_count(4)
    Job.objects.filter(pk=made.job_id).update(state=JobState.FAILED, error_message="The disk is gone.")
    expect(page.get_by_text("The disk is gone.")).to_be_visible()


def test_filters_apply_when_chosen_and_go_back(read: Callable[..., Page], alice: User) -> None:
    rows.transcript(alice, title="Budget")
    rows.transcript(alice, title="Broken", state=JobState.FAILED)
    page = read("/transcripts/")
    page.get_by_label("Needs a look").check()
    page.wait_for_url("**/?status=failed")
    expect(page.get_by_role("rowheader")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("budget")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No transcript says")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("rowheader")).to_have_count(2)


def test_everything_is_there_without_scripts(read: Callable[..., Page], alice: User) -> None:
    made = heard(alice)
    page = read("/transcripts/", java_script_enabled=False)
    page.get_by_label("Search titles and text").fill("library")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=made.title).click()
    expect(page.get_by_text("That is wonderful.")).to_be_visible()
    page.get_by_role("link", name="Export").click()
    page.locator("[value=srt]").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == f"{made.slug}.srt"


ARABIC = (rows.spoken("يمكننا استخدام بطارية عادية في البداية.", 0, language="ar"),)


@pytest.fixture
def everything(alice: User) -> dict[str, str]:
    """A path to each page, by name; those with a leading * need no account."""
    segments = sample().transcript.segments
    ready_one = heard(alice, suspects=[DOUBT], warnings=[EMBEDDED, PLAIN])
    spoken = heard(alice, tuple(rows.spoken("Yes, we do.", 2.0 * i, speaker=f"Speaker {i % 8 + 1}") for i in range(12)))
    arabic = heard(alice, ARABIC, title="اجتماع الفريق", language="ar")
    chunk = Chunk(0, 0, 10, segments[:2], (), "en", 1.0)
    running = rows.transcript(alice, state=JobState.RUNNING, chunks=[chunk], job={"phase": "transcribing"})
    failed = rows.transcript(alice, state=JobState.FAILED, job={"error_message": "No sound in it."})
    shared = heard(None)
    return {
        "*landing": "/", "*docs": "/docs/", "*reference": "/docs/stt-ai/",
        "*sign in": "/accounts/login/", "*sign up": "/accounts/signup/",
        "*reset": "/accounts/password/reset/", "*shared": f"/t/{shared.view_token}/", "*not found": "/nothing/",
        "list": "/transcripts/", "search": "/transcripts/?q=library", "nothing found": "/transcripts/?q=xyzzy",
        "new": "/new/", "account": "/account/", "password": "/accounts/password/change/", "e-mail": "/accounts/email/",
        "ready": f"/transcripts/{ready_one.slug}/", "speakers": f"/transcripts/{spoken.slug}/",
        "right to left": f"/transcripts/{arabic.slug}/", "running": f"/transcripts/{running.slug}/",
        "failed": f"/transcripts/{failed.slug}/", "export": f"/transcripts/{ready_one.slug}/export/",
        "rename": f"/transcripts/{ready_one.slug}/rename/", "delete": f"/transcripts/{ready_one.slug}/delete/",
    }  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier_that_axe_finds(
    open_page: Open,
    live_server: LiveServer,
    alice: User,
    everything: dict[str, str],
    complaints: list[str],
    scheme: str,
) -> None:
    guest, member = open_page(color_scheme=scheme), open_page(color_scheme=scheme)
    sign_in(member, live_server.url, alice.email)
    found = []
    for name, path in everything.items():
        page = guest if name.startswith("*") else member
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        found += [f"{name}: {line}" for line in violations(page)]
    member.goto(live_server.url + everything["ready"])
    member.get_by_role("link", name="Export").click()
    found += [f"export dialog: {line}" for line in violations(member)]
    assert not found
    complaints[:] = [line for line in complaints if "404" not in line]  # the page that is not there


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(
    open_page: Open, live_server: LiveServer, alice: User, everything: dict[str, str], complaints: list[str], width: int
) -> None:
    size = {"width": width, "height": 800}
    guest, member = open_page(viewport=size), open_page(viewport=size)
    sign_in(member, live_server.url, alice.email)
    too_wide = {}
    for name, path in everything.items():
        page = guest if name.startswith("*") else member
        page.goto(live_server.url + path)
        if over := page.evaluate("document.documentElement.scrollWidth - innerWidth"):
            too_wide[name] = over
    assert not {name: over for name, over in too_wide.items() if over > 0}
    complaints[:] = [line for line in complaints if "404" not in line]


def test_the_paper_has_the_text_and_no_buttons(read: Callable[..., Page], alice: User) -> None:
    page = read(f"/transcripts/{heard(alice).slug}/")
    page.emulate_media(media="print")
    expect(page.get_by_text("That is wonderful.")).to_be_visible()
    for name in (re.compile("Play"), "Export", "More actions"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
