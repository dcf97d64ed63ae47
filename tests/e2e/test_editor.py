"""Correcting a transcript in a real browser."""

import io
import subprocess

import docx
import pytest
from django.test import Client
from playwright.sync_api import expect

from accounts.models import User
from tests.e2e.correcting import TALK, Read, edit, opened, saved, second_version, stored, texts, turn
from tests.e2e.reading import heard, ready, until, violations
from tests.transcripts.conftest import engine  # noqa: F401
from tests.web import rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FORMATS = ("txt", "md", "srt", "vtt", "json", "csv", "docx", "pdf")


def test_what_is_typed_is_saved_and_stays_and_undo_outlives_a_reload(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    edit(page, 0, " Today.")
    saved(page)
    assert stored(made)[0] == "Right, we start with the brief. Today."
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("[data-editor=ready]")
    assert texts(page)[0] == "Right, we start with the brief. Today."
    page.keyboard.press("Control+z")
    expect(turn(page, 0).locator(".turn__text")).to_have_text(TALK[0].text)
    page.keyboard.press("Control+Shift+z")
    expect(turn(page, 0).locator(".turn__text")).to_have_text("Right, we start with the brief. Today.")
    page.get_by_role("button", name="Undo").click()
    expect(turn(page, 0).locator(".turn__text")).to_have_text(TALK[0].text)
    assert stored(made)[0] == TALK[0].text


def test_every_export_has_the_edit(read: Read, alice: User, client: Client) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    edit(page, 1, " Certainly.")
    saved(page)
    client.force_login(alice)
    for name in FORMATS:
        body = client.get(f"/transcripts/{made.slug}/export/{name}/").content
        assert "Certainly." in spelled(name, body), name


def spelled(name: str, body: bytes) -> str:
    if name == "docx":
        return " ".join(paragraph.text for paragraph in docx.Document(io.BytesIO(body)).paragraphs)
    if name == "pdf":
        return subprocess.run(["pdftotext", "-", "-"], input=body, capture_output=True, check=True).stdout.decode()
    return body.decode("utf-8-sig")


def test_enter_parts_a_turn_and_backspace_joins_it_again(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    turn(page, 0).locator(".turn__text").dblclick()
    page.keyboard.press("Home")
    for _ in "Right, we":
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("now ")
    expect(page.locator("[data-turn]")).to_have_count(5)
    until(page, "document.querySelectorAll('.turn__text')[1].textContent.startsWith('now start')")
    saved(page)
    assert stored(made)[:2] == ["Right, we", "now start with the brief."]
    page.keyboard.press("Home")
    page.keyboard.press("Backspace")
    expect(page.locator("[data-turn]")).to_have_count(4)
    saved(page)
    assert stored(made)[0] == "Right, we now start with the brief."
    for _ in range(3):
        page.keyboard.press("Control+z")
        saved(page)
    expect(turn(page, 0).locator(".turn__text")).to_have_text(TALK[0].text)


def test_markup_that_is_pasted_stays_text_in_one_node(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    edit(page, 0, " ")
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData('text/plain', 'a\\u00a0<b>bold</b>\\nword');
            data.setData('text/html', '<b>bold</b>');
            document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));
        }"""
    )
    saved(page)
    assert stored(made)[0].endswith("a <b>bold</b> word")
    assert page.evaluate("document.activeElement.childNodes.length") == 1


def test_a_speaker_is_renamed_merged_and_changed_for_one_turn(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    panel = page.locator("[data-edit=voices]")
    panel.get_by_role("button", name="Speaker 1", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Priya")
    dialog.get_by_role("button", name="Rename everywhere").click()
    expect(page.locator(".turn__name", has_text="Priya")).to_have_count(2)
    panel.get_by_role("button", name="Speaker 3", exact=True).click()
    dialog.get_by_label("The same person as").select_option(label="Priya")
    dialog.get_by_role("button", name="Merge").click()
    expect(page.locator(".turn__name", has_text="Priya")).to_have_count(3)
    expect(panel.locator("[data-voice]")).to_have_count(2)
    turn(page, 2).get_by_role("button", name="Priya").click()
    dialog.get_by_label("Who says this paragraph").select_option(label="Somebody new…")
    dialog.get_by_label("Their name").fill("Marcus")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(turn(page, 2).locator(".turn__name")).to_have_text("Marcus")
    expect(dialog).to_have_count(0)
    for _ in range(3):
        page.keyboard.press("Control+z")
        saved(page)
    expect(page.locator(".turn__name").first).to_have_text("Speaker 1")
    expect(turn(page, 3).locator(".turn__name")).to_have_text("Speaker 3")


def test_who_says_it_from_here_on(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    turn(page, 2).get_by_role("button", name="Speaker 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Who says this paragraph").select_option(label="Speaker 3")
    dialog.get_by_label("Change it for").select_option(label="This speaker, from here on")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".turn__name")).to_have_text(["Speaker 1", "Speaker 2", "Speaker 3", "Speaker 3"])


def test_a_word_that_is_doubtful_twice_is_put_right_in_one_step(read: Read, alice: User) -> None:
    twice = [{"start": start, "end": start + 0.7, "reason": "low score"} for start in (5.65, 8.45)]
    made = heard(
        alice, (rows.spoken("We need a new batery and so", 4.0), rows.spoken("the batery is new.", 8.0)), suspects=twice
    )
    page = opened(read, made)
    page.keyboard.press("n")
    bar = page.get_by_role("form", name="Doubtful words")
    expect(bar.get_by_label("The word should be")).to_have_value("batery")
    bar.get_by_label("The word should be").fill("battery")
    bar.get_by_role("button", name="Fix all 2 like this").click()
    expect(turn(page, 0)).to_contain_text("a new battery and so the battery is new.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    expect(turn(page, 0)).to_contain_text("a new batery and so the batery is new.")
    saved(page)


def test_another_version_is_shown_with_what_was_corrected_in_it(read: Read, alice: User, client: Client) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    edit(page, 0, " Corrected.")
    saved(page)
    second_version(made, client)
    page.reload()
    page.wait_for_selector("[data-editor=ready]")
    assert "Corrected." not in texts(page)[0]
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Versions").click()
    dialog = page.get_by_role("dialog", name="Versions")
    expect(dialog.locator(".version")).to_have_count(2)
    with page.expect_navigation():
        dialog.get_by_role("button", name="Show this one").click()
    page.wait_for_selector("[data-editor=ready]")
    assert texts(page)[0].endswith("Corrected.")
    assert stored(made)[0].endswith("Corrected.")


def test_the_sound_waits_while_somebody_types(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = read("/account/")
    page.get_by_label("Pause while I type").check()
    page.add_init_script("const Sound = Audio; window.Audio = function () { return (window.sound = new Sound()); };")
    page.clock.install()
    page.goto(page.url.replace("/account/", f"/transcripts/{made.slug}/#t=6"))
    page.wait_for_selector("[data-editor=ready]")
    ready(page)
    page.get_by_role("button", name="Play", exact=True).click()
    turn(page, 1).locator(".turn__text").dblclick()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    page.keyboard.type("x")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.evaluate("sound.addEventListener('seeking', () => (window.went = sound.currentTime), { once: true })")
    stood = page.evaluate("sound.currentTime")
    page.clock.run_for(1000)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert page.evaluate("went") == pytest.approx(stood - 1, abs=0.01)
    page.clock.resume()
    saved(page)


def test_find_counts_and_replace_all_is_one_step(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    page.keyboard.press("Control+Alt+f")
    page.keyboard.type("batery")
    finder = page.get_by_role("search")
    expect(finder.locator("[data-part=count]")).to_have_text("1 of 2")
    assert page.evaluate("CSS.highlights.get('find').size") == 2
    page.keyboard.press("Enter")
    expect(finder.locator("[data-part=count]")).to_have_text("2 of 2")
    finder.get_by_label("Replace with").fill("battery")
    finder.get_by_role("button", name="Replace all").click()
    until(page, "document.body.innerText.includes('including the battery?')")
    expect(finder.locator("[data-part=count]")).to_have_text("No match")
    assert sum("battery" in text for text in stored(made)) == 2
    finder.get_by_role("button", name="Close").click()
    page.keyboard.press("Control+z")
    until(page, "document.body.innerText.includes('including the batery?')")
    assert stored(made) == [segment.text for segment in TALK]


def test_whole_words_and_case(read: Read, alice: User) -> None:
    page = opened(read, heard(alice, TALK))
    page.keyboard.press("Control+f")
    page.keyboard.type("the")
    count = page.locator("[data-part=count]")
    expect(count).to_have_text("1 of 6")
    page.get_by_label("Whole words").check()
    expect(count).to_have_text("1 of 5")
    page.get_by_label("Match case").check()
    expect(count).to_have_text("1 of 4")


def test_history_shows_a_step_and_brings_it_back(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    for words in (" One.", " Two."):
        edit(page, 0, words)
        saved(page)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="History").click()
    dialog = page.get_by_role("dialog", name="History")
    expect(dialog.locator(".edit")).to_have_count(2)
    expect(dialog.locator("ins")).to_contain_text("Two.")
    dialog.locator(".edit").nth(1).click()
    expect(dialog.locator("ins")).to_contain_text("One.")
    dialog.get_by_role("button", name="Restore the text as it was then").click()
    expect(turn(page, 0).locator(".turn__text")).to_have_text("Right, we start with the brief. One.")
    assert stored(made)[0] == "Right, we start with the brief. One."


def test_the_doubtful_words_one_after_the_other(read: Read, alice: User) -> None:
    made = heard(alice, TALK, suspects=[{"start": 0.5, "end": 1.2, "reason": "low score"}])
    page = opened(read, made)
    assert page.evaluate("CSS.highlights.get('doubt').size") == 2
    page.keyboard.press("n")
    bar = page.get_by_role("form", name="Doubtful words")
    expect(bar).to_contain_text("1 of 2")
    bar.get_by_label("The word should be").fill("Well,")
    page.keyboard.press("Enter")
    expect(bar).to_contain_text("1 of 1")
    saved(page)
    assert stored(made)[0].startswith("Well, we")
    bar.get_by_role("button", name="Skip").focus()
    page.keyboard.press("a")
    expect(bar).to_be_hidden()
    assert page.evaluate("CSS.highlights.get('doubt').size") == 0


ARABIC = (rows.spoken("يمكننا استخدام بطارية عادية في البداية.", 0, language="ar"),)


def test_right_to_left(read: Read, alice: User) -> None:
    made = heard(alice, ARABIC, title="اجتماع الفريق", language="ar")
    page = opened(read, made)
    edit(page, 0, " نعم")
    saved(page)
    assert stored(made)[0].endswith("نعم")
    assert page.evaluate("getComputedStyle(document.activeElement).direction") == "rtl"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_in_any_state(read: Read, alice: User, scheme: str) -> None:
    page = opened(read, heard(alice, TALK, suspects=[{"start": 0.5, "end": 1.2, "reason": "low"}]), color_scheme=scheme)
    found: list[str] = []

    def look(name: str) -> None:
        found.extend(f"{name}: {line}" for line in violations(page))

    edit(page, 0, " More.")
    saved(page)
    look("an open paragraph")
    page.keyboard.press("Control+Alt+f")
    page.keyboard.type("the")
    look("find and replace")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+n")
    look("doubtful words")
    page.get_by_role("form", name="Doubtful words").get_by_role("button", name="Close").click()
    for name in ("History", "Versions"):
        page.get_by_role("button", name="More actions").click()
        page.get_by_role("button", name=name).click()
        page.get_by_role("dialog", name=name).wait_for()
        look(name)
        page.keyboard.press("Escape")
    turn(page, 1).locator(".turn__name").click()
    look("who says this")
    page.keyboard.press("Escape")
    page.goto(page.url.partition("/transcripts/")[0] + "/account/")
    page.get_by_text("Every key").click()
    look("settings")
    assert not found


def test_keys_are_changed_in_the_settings(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = read("/account/")
    page.get_by_label("Keys", exact=True).select_option("otranscribe")
    page.get_by_text("Every key").click()
    page.get_by_role("button", name="Find, typing").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Esc already means “Play, pause”. Nothing was changed.")).to_be_visible()
    page.get_by_role("button", name="Find, typing").click()
    page.keyboard.press("Alt+g")
    page.goto(page.url.replace("/account/", f"/transcripts/{made.slug}/"))
    page.wait_for_selector("[data-editor=ready]")
    page.keyboard.press("Alt+g")
    expect(page.get_by_role("search")).to_be_visible()
    page.keyboard.press("Escape")
    edit(page, 0, " Yes.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".turn--open")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn--open")).to_have_count(0)
    saved(page)


def test_reading_needs_no_script_and_the_page_says_what_does(read: Read, alice: User) -> None:
    page = read(f"/transcripts/{heard(alice, TALK).slug}/", java_script_enabled=False)
    expect(page.get_by_text("Twelve fifty including")).to_be_visible()
    expect(page.get_by_text("To correct the text, allow JavaScript")).to_be_visible()
