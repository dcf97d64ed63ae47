"""The whole product in a real browser: web, worker and engine as `make run` starts them."""

import random
import time
import wave
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Open, Product, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SAID = "I have the new report."
CHUNK = 8 * 1024 * 1024


@pytest.fixture
def member(open_page: Open, product: Product) -> Page:
    page = open_page()
    sign_in(page, product.address, "admin@localhost", product.password)
    return page


@pytest.fixture(scope="session")
def big_talk(talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talk, then a long silence: three chunks of an upload."""
    path = tmp_path_factory.mktemp("big") / "Long pause.wav"
    with wave.open(str(talk), "rb") as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        sound = source.readframes(source.getnframes())
        target.writeframes(sound + bytes(2 * CHUNK + CHUNK // 2 - len(sound) & ~1))
    return path


def upload(page: Page, product: Product, path: Path) -> None:
    page.goto(f"{product.address}/new/")
    page.locator("input[name=file]").set_input_files(path)
    expect(page.get_by_text(path.name)).to_be_visible()
    page.get_by_role("button", name="Transcribe").click()


def test_from_a_file_to_a_transcript_that_plays(member: Page, product: Product, talk: Path) -> None:
    upload(member, product, talk)
    member.wait_for_url("**/transcripts/*/")
    expect(member.locator("article")).to_contain_text(SAID, timeout=60_000)
    expect(member.get_by_role("heading", level=1)).to_have_text("Room seven")
    member.get_by_role("button", name="Play").click()
    expect(member.locator("[data-player=now]")).not_to_have_text("0:00", timeout=30_000)
    member.get_by_role("button", name="Pause").click()
    for name in ("txt", "md", "srt", "vtt", "json", "csv", "docx", "pdf"):
        member.get_by_role("link", name="Export").click()
        member.locator(f"[name=format][value={name}]").check()
        with member.expect_download() as download:
            member.get_by_role("button", name=f"Download {name}").click()
        assert Path(download.value.path()).stat().st_size > 50


DRAFTS = """() => new Promise((done) => {
    indexedDB.open('drafts').onsuccess = ({target}) => {
        const all = target.result.transaction('drafts').objectStore('drafts').getAll();
        all.onsuccess = () => done(all.result.map((draft) => draft.text));
    };
})"""


def test_what_is_typed_outlives_a_web_process_that_dies_between_two_saves(
    member: Page, product: Product, talk: Path, complaints: list[str]
) -> None:
    upload(member, product, talk)
    member.wait_for_url("**/transcripts/*/")
    expect(member.locator("[data-turn]").first).to_contain_text(SAID, timeout=60_000)
    member.wait_for_selector("[data-editor=ready]")
    member.locator("[data-turn] .turn__text").first.dblclick()
    member.keyboard.press("Control+End")
    member.keyboard.type(" First.")
    state = member.locator("[data-edit=state]")
    expect(state).to_have_attribute("data-state", "saved")
    assert member.evaluate(DRAFTS) == []
    member.keyboard.type(" Second.")
    [web] = product.children("uvicorn")
    web.kill()
    expect(state).to_contain_text("1 change kept here")
    assert [text.endswith(" First. Second.") for text in member.evaluate(DRAFTS)] == [True]
    expect(state).to_have_attribute("data-state", "saved", timeout=60_000)  # the supervisor starts another
    member.reload()
    expect(member.locator("[data-turn]").first).to_contain_text("First. Second.")
    complaints[:] = [line for line in complaints if "ERR_" not in line]


def test_an_upload_goes_on_where_it_stopped(
    member: Page, product: Product, big_talk: Path, complaints: list[str]
) -> None:
    """The connection dies after the first chunk, the tab is closed, the same file is chosen again."""
    sent: list[int] = []

    def break_off(route: Route) -> None:
        offset = int(route.request.headers["upload-offset"])
        sent.append(offset)
        if offset and not member.url.endswith("#mended"):
            route.abort()
        else:
            route.continue_()

    member.route(
        "**/api/uploads/*", lambda route: break_off(route) if route.request.method == "PATCH" else route.continue_()
    )
    upload(member, product, big_talk)
    expect(member.get_by_text("Waiting for the connection")).to_be_visible(timeout=20_000)
    member.on("dialog", lambda dialog: dialog.accept())  # "leave this page?"
    member.goto(f"{product.address}/new/?again#mended")
    expect(member.get_by_text("Upload stopped at 39 %.")).to_be_visible()
    expect(member.get_by_text("Choose the same file to continue.")).to_be_visible()
    sent.clear()
    member.locator("input[name=file]").set_input_files(big_talk)
    member.wait_for_url("**/transcripts/*/", timeout=60_000)
    assert sent[0] == CHUNK, "the first chunk was not sent again"
    expect(member.locator("article")).to_contain_text(SAID, timeout=60_000)
    complaints[:] = [line for line in complaints if "net::ERR_FAILED" not in line]


def test_a_file_that_is_none_gets_its_sentence(
    member: Page, product: Product, tmp_path: Path, complaints: list[str]
) -> None:
    path = tmp_path / "notes.mp3"
    path.write_bytes(random.Random(7).randbytes(5000))
    upload(member, product, path)
    expect(member.get_by_text("Not sent")).to_be_visible(timeout=20_000)
    expect(member.get_by_text("Nothing was charged.").last).to_be_visible()
    complaints[:] = [line for line in complaints if "status of 400" not in line]


def test_tried_without_an_account_then_kept(open_page: Open, product: Product, talk: Path) -> None:
    page = open_page()
    page.goto(product.address)
    page.locator("input[name=file]").set_input_files(talk)
    page.wait_for_url("**/t/*/")
    expect(page.locator("article")).to_contain_text(SAID, timeout=60_000)
    page.get_by_role("button", name="Keep this transcript").click()
    page.get_by_label("E-mail").fill(f"keeper{time.time_ns()}@example.org")
    page.locator("[name=password1]").fill("a long enough pass phrase")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/transcripts/*/")
    expect(page.locator("article")).to_contain_text(SAID)
    expect(page.get_by_role("link", name="Export")).to_be_visible()


def test_the_forms_work_without_scripts(open_page: Open, product: Product, talk: Path) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, product.address, "admin@localhost", product.password)
    page.goto(f"{product.address}/new/")
    page.locator("input[name=file]").set_input_files(talk)
    page.get_by_role("button", name="Transcribe").click()
    page.wait_for_url("**/transcripts/*/")
    deadline = time.monotonic() + 60
    while SAID not in page.locator("article").inner_text() and time.monotonic() < deadline:
        page.reload()
    expect(page.locator("article")).to_contain_text(SAID)
    guest = open_page(java_script_enabled=False)
    guest.goto(product.address)
    guest.locator("input[name=file]").set_input_files(talk)
    guest.get_by_role("button", name="Transcribe").click()
    guest.wait_for_url("**/t/*/")
