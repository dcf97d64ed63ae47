"""Live captions in a Chromium whose microphone hears a file, before the running product."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.conftest import PASSWORD
from tests.e2e.captions import as_a_microphone_hears, first_letter, hearing
from tests.e2e.conftest import sign_in
from tests.e2e.reading import violations
from tests.engine.speech import TEXTS, silence, talk
from tests.live import Product, running
from tests.streaming.test_kills import process_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SAID = ("en_door", "en_music", "en_water")
LONG = (*SAID, *SAID, *SAID)
EMAIL = "speaker@example.org"
MEMBER = f"""
from accounts.models import User
from accounts.services import ledger
user = User.objects.create_user("{EMAIL}", "{PASSWORD}")
ledger.grant(user, 100_000, actor="test", reason="test")
"""
LAST_STREAM = """
from transcripts.models import LiveStream
stream = LiveStream.objects.latest("pk")
print(stream.owner, stream.charged_mc, stream.transcript)
"""
WAIT = 60_000
UTTERANCES = 600
"""Half an hour of them, three seconds each."""
WORDS = ("and", "the", "tide", "does", "not", "simply", "rise", "and", "fall", "it", "travels", "along", "the", "coast")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("product"), STT_ANONYMOUS_PER_DAY="100") as product:
        product.manage("shell", "--no-imports", "-c", MEMBER)
        yield product


def sound(tmp_path: Path, names: tuple[str, ...]) -> Path:
    return as_a_microphone_hears(tmp_path / "microphone.wav", np.concatenate([talk(names), silence(60)]))


def visited(browser: Browser, product: Product, complaints: list[str], member: str = "", **options: Any) -> Page:
    context = browser.new_context(permissions=["microphone"], reduced_motion="reduce", **options)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    if member:
        sign_in(page, product.address, member)
    page.goto(f"{product.address}/live/")
    page.wait_for_selector("main[data-live=ready]")
    return page


def opened(browser: Browser, product: Product, complaints: list[str], **options: Any) -> Page:
    return visited(browser, product, complaints, EMAIL, **options)


def in_state(page: Page, name: str) -> None:
    expect(page.locator("main")).to_have_attribute("data-state", name, timeout=WAIT)


def start(page: Page) -> None:
    page.get_by_label("Language").select_option("en")
    page.get_by_role("button", name="Start").click()
    in_state(page, "listening")


def log(page: Page) -> list[str]:
    return page.locator(".log li p").all_inner_texts()


def test_a_sentence_is_shown_never_moves_and_is_saved(product: Product, tmp_path: Path, complaints: list[str]) -> None:
    with hearing(sound(tmp_path, SAID)) as browser:
        page = opened(browser, product, complaints)
        assert violations(page) == []
        link = page.locator("#view-link").input_value()
        start(page)
        screen = browser.new_context().new_page()
        screen.goto(link)
        page.wait_for_selector(".stage p .tail:not(:empty)", timeout=WAIT)
        places = set()
        while len(log(page)) < len(SAID):
            places.add(round(first_letter(page), 1))
            page.wait_for_timeout(100)
        assert len(places) == 1
        assert log(page) == [TEXTS[name] for name in SAID]
        expect(page.locator(".stage p")).to_have_text(" ".join(TEXTS[name] for name in SAID))
        expect(screen.locator(".stage p")).to_have_text(" ".join(TEXTS[name] for name in SAID))
        assert violations(page) == []
        assert violations(screen) == []
        with page.expect_popup() as window:
            page.get_by_role("button", name="Pop out").click()
        expect(window.value.locator(".stage p")).to_have_text(" ".join(TEXTS[name] for name in SAID))
        page.keyboard.press("Equal")
        expect(page.locator("output[for=look-size]")).to_have_text("44 px")
        page.locator("h1").click()
        page.keyboard.press("Space")
        in_state(page, "ended")
        assert TEXTS[SAID[0]] in _subtitles(page)
        expect(screen.locator("main")).to_have_attribute("data-state", "ended")
        page.get_by_role("button", name="Save as transcript").click()
        page.locator("[data-live=saved] a").click()
        page.wait_for_url("**/transcripts/**")
        for name in SAID:
            assert TEXTS[name] in page.locator("main").inner_text()
    assert not complaints


def _subtitles(page: Page) -> str:
    page.get_by_role("button", name="txt, srt, vtt").click()
    with page.expect_download() as file:
        page.get_by_role("button", name="Subtitles (.srt)").click()
    assert file.value.suggested_filename == "captions.srt"
    return file.value.path().read_text()


def test_the_web_process_dies_and_no_sentence_is_lost_or_repeated(
    product: Product, tmp_path: Path, complaints: list[str]
) -> None:
    with hearing(sound(tmp_path, LONG)) as browser:
        page = opened(browser, product, complaints)
        start(page)
        expect(page.locator(".log li")).to_have_count(2, timeout=WAIT)
        process_of(product, "uvicorn").kill()
        in_state(page, "reconnecting")
        # Told at once, sentences that followed each other closely may come as one.
        expect(page.locator(".stage p")).to_contain_text(" ".join(TEXTS[name] for name in LONG), timeout=WAIT)
        page.get_by_role("button", name="Stop").click()
        in_state(page, "ended")
        assert " ".join(log(page)) == " ".join(TEXTS[name] for name in LONG)
    assert not complaints


def test_half_an_hour_grows_nothing(product: Product, tmp_path: Path, complaints: list[str]) -> None:
    """The messages of half an hour, as fast as the page takes them."""
    with hearing(sound(tmp_path, ())) as browser:
        page = opened(browser, product, complaints)
        sockets: list[WebSocketRoute] = []

        def serve(socket: WebSocketRoute) -> None:
            sockets.append(socket)
            socket.on_message(lambda message: _greet(socket, message))

        page.route_web_socket("**/v1/stream", serve)
        page.reload()
        page.wait_for_selector("main[data-live=ready]")
        start(page)
        sizes = [_size_after(page, sockets[0], span) for span in (range(UTTERANCES // 2), range(300, UTTERANCES))]
        (nodes, heap), (later_nodes, later_heap) = sizes
        assert page.locator(".log li").count() == 200
        assert later_nodes <= nodes + 20
        assert later_heap <= heap + 1_000_000
        assert len(page.locator(".stage p").inner_text()) < 2000
        line = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.stage p')).lineHeight)")
        assert abs(first_letter(page) / line - round(first_letter(page) / line)) < 0.2
    assert not complaints


def test_a_visitor_without_an_account_is_heard_and_nothing_is_kept(
    product: Product, tmp_path: Path, complaints: list[str]
) -> None:
    with hearing(sound(tmp_path, SAID)) as browser:
        page = visited(browser, product, complaints)
        start(page)
        expect(page.locator(".log li")).to_have_count(len(SAID), timeout=WAIT)
        assert log(page) == [TEXTS[name] for name in SAID]
        expect(page.get_by_role("button", name="Save as transcript")).to_have_count(0)
        page.get_by_role("button", name="Stop").click()
        in_state(page, "ended")
    owned = product.manage("shell", "--no-imports", "-c", LAST_STREAM)
    assert owned.split() == ["None", "0", "None"]
    assert not complaints


def _greet(socket: WebSocketRoute, message: str | bytes) -> None:
    if isinstance(message, str) and "room" in message:
        socket.send(json.dumps({"status": "ready", "session_id": "ls_1", "resume_token": "t", "expires_in": 3600}))


def _size_after(page: Page, socket: WebSocketRoute, utterances: range) -> tuple[float, float]:
    """Nodes and bytes, when these have been said and the garbage is gone."""
    for number in utterances:
        at = {"seq": number + 1, "start": 3.0 * number, "end": 3.0 * number + 2}
        words = [f"Number {number}", *WORDS]
        for heard in range(4, len(words), 3):
            stable = len(" ".join(words[: heard - 2]))
            partial = {"type": "partial", "partial": " ".join(words[:heard]), "stable_chars": stable, **at}
            socket.send(json.dumps(partial))
        socket.send(json.dumps({"type": "transcript", "text": " ".join(words) + ".", "segment": at, **at}))
    last = page.locator(".log li").last
    expect(last).to_contain_text(f"Number {utterances[-1]} ", timeout=WAIT)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return found["Nodes"], found["JSHeapUsedSize"]
