"""All of the editor, the share page and the list without a mouse: nothing here clicks or sets a focus."""

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.e2e.correcting import TALK, Read, opened, saved, second_version, stored, turn
from tests.e2e.reading import heard
from tests.transcripts.conftest import engine  # noqa: F401
from tests.web import rows
from transcripts.models import Share, Transcript

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAME = """() => {
    const at = document.activeElement;
    return at === document.body ? '' : (at.ariaLabel || at.labels?.[0]?.innerText || at.innerText || '').trim();
}"""
STOPS = 60


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Presses Tab until what has the focus is called `name`, or begins with it."""
    met = []
    for _ in range(STOPS):
        page.keyboard.press(key)
        met.append(page.evaluate(NAME))
        if met[-1].startswith(name):
            return
    raise AssertionError(f"{name!r} is not among what the keyboard reaches: {met}")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def follow(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def menu(page: Page, name: str) -> None:
    tab_to(page, "More actions", "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name=name)).to_be_visible()


def test_text_is_edited_split_and_merged(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    press(page, "]", "]")
    expect(turn(page, 1).locator(".stamp")).to_be_focused()
    press(page, "e", "End", "Backspace")
    page.keyboard.type(", yes.")
    press(page, "Alt+1")
    expect(turn(page, 1).locator(".turn__name")).to_have_text("Speaker 1")
    press(page, "Home", *["ArrowRight"] * len("Twelve fifty"), "Enter")
    expect(turn(page, 2).locator("[contenteditable]")).to_be_focused()
    saved(page)
    assert stored(made)[1:3] == ["Twelve fifty", "including the batery, yes."]
    press(page, "Backspace")
    expect(page.locator("[data-turn]")).to_have_count(len(TALK))
    press(page, "Alt+ArrowDown")
    expect(turn(page, 2).locator("[contenteditable]")).to_be_focused()
    page.keyboard.type("So: ")
    press(page, "Escape")
    expect(turn(page, 2).locator(".stamp")).to_be_focused()
    saved(page)
    assert stored(made)[1:3] == ["Twelve fifty including the batery, yes.", "So: The batery is where the money goes."]


def test_speakers_are_renamed_changed_and_merged(read: Read, alice: User) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    dialog, names = page.get_by_role("dialog"), page.locator(".turn__name")
    press(page, "]", "Shift+Tab", "Enter")
    expect(dialog).to_be_visible()
    tab_to(page, "Name")
    press(page, "Control+a")
    page.keyboard.type("Priya")
    press(page, "Enter")
    expect(dialog).to_have_count(0)
    expect(names.first).to_have_text("Priya")
    expect(names.first).to_be_focused()
    tab_to(page, "Speaker 3")
    press(page, "Enter")
    tab_to(page, "The same person as")
    page.keyboard.type("Pri")
    press(page, "Tab", "Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-edit=voices] [data-voice]")).to_have_count(2)
    expect(page.locator("[data-voice] .voice__name", has_text="Priya")).to_be_focused()
    press(page, "]", "]", "Shift+Tab", "Enter")
    page.keyboard.type("Somebody")
    tab_to(page, "Their name")
    page.keyboard.type("Marcus")
    tab_to(page, "Change it for")
    page.keyboard.type("This speaker, e")
    tab_to(page, "Change")
    press(page, "Enter")
    expect(dialog).to_have_count(0)
    expect(names.filter(has_text="Marcus")).to_have_count(3)
    expect(names.filter(has_text="Priya")).to_have_count(0)


def test_a_long_text_is_one_stop_on_the_way_to_the_panel(read: Read, alice: User) -> None:
    page = opened(read, heard(alice, TALK))
    tab_to(page, "Edit, 0:00")
    page.keyboard.press("Tab")
    assert page.evaluate(NAME) == "Summary"


def test_found_replaced_doubted_and_brought_back(read: Read, alice: User, client: Client) -> None:
    made = heard(alice, TALK, suspects=[{"start": 0.5, "end": 0.8, "reason": "low score"}])
    second_version(made, client)
    page = opened(read, made)
    page.keyboard.press("Control+Alt+f")
    page.keyboard.type("chunk")
    tab_to(page, "Replace with")
    page.keyboard.type("piece")
    tab_to(page, "Replace all")
    press(page, "Enter")
    expect(page.locator("[data-part=count]")).to_have_text("No match")
    saved(page)
    replaced = stored(made)
    assert not any("chunk" in text for text in replaced)
    press(page, "Escape", "Control+z")
    expect(turn(page, 0)).to_contain_text("chunk")
    saved(page)
    menu(page, "History")
    tab_to(page, "Replaced")
    press(page, "Enter")
    tab_to(page, "Restore the text as it was then")
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    saved(page)
    assert stored(made) == replaced
    menu(page, "Versions")
    tab_to(page, "Show this one")
    follow(page)
    page.wait_for_selector("[data-editor=ready]")
    assert stored(made) == [segment.text for segment in TALK]
    press(page, "n", "e")
    page.keyboard.type("Well,")
    press(page, "Enter")
    expect(page.get_by_role("form", name="Doubtful words")).to_be_hidden()
    expect(turn(page, 0).locator(".stamp")).to_be_focused()
    saved(page)
    assert stored(made)[0].startswith("Well, we")


def test_a_link_is_made_and_several_are_tagged_and_thrown_away(read: Read, alice: User) -> None:
    made = [rows.transcript(alice, title=f"Talk {number}") for number in range(3)]
    page = read(f"/transcripts/{made[0].slug}/")
    tab_to(page, "Share")
    follow(page)
    tab_to(page, "Downloads")
    press(page, "Space")
    tab_to(page, "Make the link")
    follow(page)
    expect(page.get_by_label("The new link")).to_be_focused()
    assert Share.objects.get().downloads
    tab_to(page, "Transcripts", "Shift+Tab")
    follow(page)
    tab_to(page, "Select Talk 1")
    press(page, "Space")
    tab_to(page, "Select Talk 0")
    press(page, "Space")
    tab_to(page, "Tag", "Shift+Tab")
    press(page, "Enter")
    tab_to(page, "Tag")
    page.keyboard.type("board")
    follow(page)
    expect(page.get_by_text("“board” is on 2 transcripts.")).to_be_visible()
    tab_to(page, "Select all that are shown")
    press(page, "Space")
    tab_to(page, "Trash")
    follow(page)
    expect(page.get_by_text("Your first transcript starts with a recording.")).to_be_visible()
    assert Transcript.objects.filter(trashed_at=None).count() == 0
    tab_to(page, "Undo")
    press(page, "Enter")
    expect(page.get_by_role("rowheader")).to_have_count(3)
