"""The panel beside a transcript, the palette, the way in from the list: in a real browser, with the packaged model."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Request, expect
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.dialects.llm_double import LanguageModel
from tests.e2e.reading import heard, ready, until, violations
from tests.web import rows
from transcripts.models import Transcript, TranscriptInsight

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Read = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
NOW = "document.querySelector('[data-player=now]').textContent"
HOSTILE = (
    'Look <img src=x onerror="document.title=1"> ![at](https://evil.example/p.png) <script>document.title=1</script>'
)
SECONDS = 60_000
"""For what a model does, on a machine that is busy with other things."""


@pytest.fixture
def model(settings: Settings) -> Iterator[LanguageModel]:
    with LanguageModel().serving() as model:
        settings.LLM_URL, settings.LLM_MODEL, settings.LLM_SECONDS = model.address, "local", 20
        yield model


def opened(read: Read, made: Transcript, tab: str = "summary", **options: object) -> Page:
    page = read(f"/transcripts/{made.slug}/?panel={tab}", **options)
    page.wait_for_selector("[role=tablist]", state="attached")
    ready(page)
    return page


def watch_flashes(page: Page) -> None:
    """Which turns are shown for a moment, whenever it is."""
    page.evaluate("""() => {
        window.flashed = [];
        new MutationObserver((all) => all.forEach(({target}) => {
            if (target.matches('.turn--found')) window.flashed.push(target.innerText);
        })).observe(document.querySelector('[data-text]'), {subtree: true, attributeFilter: ['class']});
    }""")


def said_by(point: str) -> str:
    """Without its time."""
    return point.rpartition(" ")[0].strip()[:30]


def test_a_point_of_the_summary_leads_to_where_it_is_said(read: Read, alice: User) -> None:
    page = opened(read, heard(alice))
    assert not TranscriptInsight.objects.exists()
    page.get_by_role("button", name="Summarize").click()
    points = page.locator("#panel-summary .points li")
    expect(points.first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Picked from the recording’s own sentences")).to_be_visible()
    last = points.last.locator("a")
    clock = last.inner_text()
    watch_flashes(page)
    last.click()
    until(page, f"{NOW} === '{clock}'")
    until(page, f"window.flashed.some((text) => text.includes({json.dumps(said_by(points.last.inner_text()))}))")
    assert TranscriptInsight.objects.get().model.startswith("extractive")


def test_the_tabs_are_tabs_and_the_last_one_is_remembered(read: Read, alice: User) -> None:
    page = opened(read, made := heard(alice))
    page.get_by_role("tab", name="Summary").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Chapters")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Chapters")).to_be_visible()
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    assert page.evaluate(NOW) == "0:00", "the arrows are not the player's here"
    assert "panel=chapters" in page.url
    page.goto(page.url.partition("/transcripts/")[0] + f"/transcripts/{made.slug}/")
    expect(page.get_by_role("tab", name="Chapters", selected=True)).to_be_visible()


def test_edits_make_what_was_made_before_them_old(read: Read, alice: User) -> None:
    page = opened(read, heard(alice), "actions")
    page.get_by_role("button", name="Make: Questions").click()
    made = page.locator("[data-made=questions]")
    expect(made.get_by_role("link")).to_be_visible(timeout=SECONDS)
    expect(made.get_by_text("Made before your last edits.")).to_be_hidden()
    page.wait_for_selector("[data-editor=ready]")
    page.locator("[data-turn] .turn__text").first.dblclick()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Now.")
    page.keyboard.press("Escape")
    expect(made.get_by_text("Made before your last edits.")).to_be_visible()
    made.get_by_role("button", name="Update").click()
    expect(made.get_by_text("Made before your last edits.")).to_be_hidden(timeout=SECONDS)


def elsewhere(page: Page) -> list[str]:
    """Requests that leave the server."""
    base = page.url.partition("/transcripts/")[0]
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((base, "data:", "blob:")):
            asked.append(request.url)

    page.on("request", note)
    return asked


def test_the_words_of_a_recording_and_of_a_model_are_only_text(read: Read, alice: User, model: LanguageModel) -> None:
    made = heard(alice, (rows.spoken(HOSTILE, 0.5, language="en"),))
    page = opened(read, made)
    title, asked = page.title(), elsewhere(page)
    points = {"summary": HOSTILE, "points": [{"text": HOSTILE, "line": 1}]}
    model.reply = lambda body: points if "response_format" in body else f"## {HOSTILE}\n\n{HOSTILE}"
    page.locator("[name=style]").select_option("detailed")
    page.get_by_role("button", name="Summarize").click()
    expect(page.locator("#panel-summary .points")).to_contain_text("<script>", timeout=SECONDS)
    page.get_by_role("tab", name="Actions").click()
    page.get_by_role("button", name="Make: Blog post").click()
    expect(page.locator("[data-made=blog_post] h4")).to_contain_text("<img src=x", timeout=SECONDS)
    assert page.locator("main :is(img, script, iframe)").count() == 0
    assert (page.title(), asked) == (title, [])


def test_on_a_phone_the_panel_is_a_sheet(read: Read, alice: User) -> None:
    page = opened(read, heard(alice), viewport=PHONE)
    expect(page.get_by_role("tablist")).to_be_hidden()
    strip = page.locator("[data-strip]").get_by_role("link", name="Summary")
    strip.click()
    expect(page.get_by_role("tab", name="Summary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("tablist")).to_be_hidden()
    strip.click()
    page.get_by_role("button", name="Summarize").click()
    point = page.locator("#panel-summary .points a").last
    expect(point).to_be_visible(timeout=SECONDS)
    watch_flashes(page)
    point.click()
    expect(page.get_by_role("tablist")).to_be_hidden()
    until(page, "window.flashed.length > 0")
    expect(page.locator(".turn").last).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_palette_goes_anywhere_by_keyboard(read: Read, alice: User) -> None:
    kept, other = heard(alice, title="Lighthouse"), heard(alice, title="Harbour")
    page = opened(read, kept)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="A page, a transcript or an action")
    expect(field).to_be_focused()
    chosen = "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
    assert page.evaluate(f"{chosen}.ariaSelected") == "true"
    page.keyboard.type("harb")
    until(page, f"{chosen}.textContent.startsWith('Harbour')")
    page.keyboard.press("ArrowUp")
    until(page, f"{chosen}.textContent.includes('Transcripts that say “harb”')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/transcripts/{other.slug}/")
    page.wait_for_selector("[data-editor=ready]")
    page.keyboard.press("Control+k")
    page.keyboard.type("find and rep")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Replace with")).to_be_visible()


def test_the_title_is_corrected_where_it_stands_and_back(read: Read, alice: User) -> None:
    page = opened(read, made := heard(alice, title="Lihgthouse"))
    heading = page.get_by_role("heading", level=1)
    heading.dblclick()
    page.get_by_role("textbox", name="Title").fill("  Light   house ")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("Light house")
    undo = page.get_by_role("button", name="Undo", exact=True).last
    expect(page.get_by_text("Renamed.")).to_be_visible()
    assert Transcript.objects.get(pk=made.pk).title == "Light house"
    undo.click()
    expect(heading).to_have_text("Lihgthouse")
    expect(page.locator("#status")).to_have_text("The old title is back")
    assert Transcript.objects.get(pk=made.pk).title == "Lihgthouse"


DROP = """(name) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(2000)], name, {type: 'audio/wav'}));
    const more = {bubbles: true, cancelable: true, dataTransfer: data};
    const event = (kind) => document.body.dispatchEvent(new DragEvent(kind, more));
    event('dragenter');
    const said = document.querySelector('[data-drop]').checkVisibility();
    event('drop');
    return said;
}"""


def test_a_file_dropped_on_the_list_is_ready_to_be_sent(read: Read, alice: User) -> None:
    page = read("/transcripts/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("u")
    dialog = page.get_by_role("dialog", name="New transcript")
    expect(dialog.get_by_text("Drop audio or video")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    assert page.evaluate(DROP, "Talk.wav"), "the page says what a drop does"
    expect(dialog.get_by_text("Talk.wav")).to_be_visible()
    expect(page.locator("[data-drop]")).to_be_hidden()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New").click()
    expect(page.get_by_role("link", name="Live captions").last).to_be_visible()


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Your question").fill(question)
    page.keyboard.press("Enter")


def at_a_walk(body: object) -> Iterator[str]:
    for number in itertools.count():
        time.sleep(0.05)
        yield f"word {number} "


def test_a_question_is_answered_from_the_recording_with_its_time(read: Read, alice: User) -> None:
    page = opened(read, heard(alice), "chat")
    ask(page, "When is the meeting for young people?")
    log = page.get_by_role("log")
    cited = log.get_by_role("link", name="0:11")
    expect(cited).to_be_visible(timeout=SECONDS)
    expect(page.locator("#status")).to_contain_text("There is a meeting for young people on Saturday at ten o'clock.")
    watch_flashes(page)
    cited.click()
    until(page, f"{NOW} === '0:11'")
    until(page, "window.flashed.some((text) => text.includes('ten o\\'clock'))")
    ask(page, "What does a rocket engine weigh?")
    expect(log.get_by_text("That is not in this recording.")).to_be_visible(timeout=SECONDS)
    page.reload()
    expect(log.locator("article")).to_have_count(2)


def test_an_answer_comes_as_it_is_written_and_can_be_stopped(read: Read, alice: User, model: LanguageModel) -> None:
    page = opened(read, heard(alice), "chat")
    asked = elsewhere(page)
    written = threading.Event()

    def slowly(body: object) -> Iterator[str]:
        yield "On Saturday [00:11]. "
        written.wait(30)
        yield HOSTILE

    model.reply = slowly
    ask(page, "When is the meeting for young people?")
    coming = page.locator(".said[aria-busy=true]")
    expect(coming).to_contain_text("On Saturday", timeout=SECONDS)
    written.set()
    expect(page.get_by_role("log").get_by_role("link", name="0:11")).to_be_visible(timeout=SECONDS)
    expect(coming).to_have_count(0)
    assert page.locator("main :is(img, script, iframe)").count() == 0
    assert asked == []
    model.reply = at_a_walk
    ask(page, "When is the meeting for young people?")
    expect(coming).to_contain_text("word 3", timeout=SECONDS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("log").get_by_text("Stopped.")).to_be_visible()
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    assert model.left.wait(20), "the model is told to stop"


def test_the_list_is_searched_by_words_and_by_meaning(read: Read, alice: User) -> None:
    made = heard(alice, title="The library")
    heard(alice, (rows.spoken("We sail to the sea tomorrow.", 2.5, language="en"),), title="Sailing")
    page = read("/transcripts/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    page.keyboard.type("young people")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=young+people")
    expect(page.get_by_role("rowheader")).to_have_count(1)
    expect(page.locator(".list__hit mark").filter(has_text="young")).to_be_visible()
    page.get_by_label("By meaning").check()
    page.wait_for_url("**by=meaning**")
    expect(page.get_by_role("rowheader").first).to_contain_text("The library")
    page.locator(".list__hit a").first.click()
    page.wait_for_url(f"**/transcripts/{made.slug}/#t=*")
    ready(page)
    until(page, f"{NOW} !== '0:00'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_it_is_a_barrier_that_axe_finds(read: Read, alice: User, scheme: str) -> None:
    page = opened(read, heard(alice), "actions", color_scheme=scheme)
    page.get_by_role("button", name="Make: Questions").click()
    expect(page.locator("[data-made=questions] details")).to_be_visible(timeout=SECONDS)
    found = [f"{tab}: {line}" for tab in page.get_by_role("tab").all_inner_texts() for line in _on(page, tab)]
    page.keyboard.press("Control+k")
    found += [f"palette: {line}" for line in violations(page)]
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 320, "height": 700})
    page.locator("[data-strip]").get_by_role("link", name="Actions").click()
    found += [f"sheet: {line}" for line in violations(page)]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not found


def _on(page: Page, tab: str) -> list[str]:
    page.get_by_role("tab", name=tab).click()
    return violations(page)
