"""Corrections that meet another tab, or no network."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.e2e.correcting import TALK, Read, edit, opened, saved, stored, texts, turn
from tests.e2e.reading import heard, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_two_tabs_that_edit_one_turn_keep_both_texts(read: Read, alice: User, complaints: list[str]) -> None:
    made = heard(alice, TALK)
    first, second = opened(read, made), opened(read, made)
    edit(first, 0, " Mine.")
    saved(first)
    edit(second, 0, " Theirs.")
    conflict = second.get_by_role("region", name="Two texts for one paragraph")
    expect(conflict).to_contain_text("Right, we start with the brief. Mine.")
    expect(conflict).to_contain_text("Right, we start with the brief. Theirs.")
    assert stored(made)[0].endswith("Mine."), "nothing is overwritten unasked"
    assert not violations(second)
    conflict.get_by_role("button", name="Keep mine").click()
    expect(conflict).to_have_count(0)
    saved(second)
    assert stored(made)[0].endswith("Theirs.")
    second.keyboard.press("Escape")
    second.keyboard.press("Control+z")
    expect(turn(second, 0).locator(".turn__text")).to_have_text("Right, we start with the brief. Mine.")
    complaints[:] = [line for line in complaints if "409" not in line]


def test_without_a_network_nothing_is_lost(read: Read, alice: User, complaints: list[str]) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    page.context.set_offline(True)
    edit(page, 0, " One.")
    edit(page, 1, " Two.")
    state = page.locator("[data-edit=state]")
    expect(state).to_have_text("Offline, 2 changes kept here")
    assert stored(made) == [segment.text for segment in TALK]
    page.context.set_offline(False)
    saved(page)
    assert [text.rpartition(" ")[2] for text in stored(made)[:2]] == ["One.", "Two."]
    complaints[:] = [line for line in complaints if "ERR_INTERNET_DISCONNECTED" not in line]


def test_a_minute_without_a_network_loses_nothing(read: Read, alice: User, complaints: list[str]) -> None:
    """By the page's own clock, in which every one of its tries again comes and fails."""
    made = heard(alice, TALK)
    page = read("/transcripts/")
    page.clock.install()
    page.goto(page.url + f"{made.slug}/")
    page.wait_for_selector("[data-editor=ready]")
    page.context.set_offline(True)
    for number, word in enumerate((" One.", " Two.", " Three.")):
        edit(page, number, word)
        page.clock.run_for(20_000)
    expect(page.locator("[data-edit=state]")).to_have_text("Offline, 3 changes kept here")
    assert stored(made) == [segment.text for segment in TALK]
    page.context.set_offline(False)
    page.clock.run_for(30_000)
    saved(page)
    assert [text.rpartition(" ")[2] for text in stored(made)[:3]] == ["One.", "Two.", "Three."]
    complaints[:] = [line for line in complaints if "ERR_INTERNET_DISCONNECTED" not in line]


def test_what_the_server_never_got_is_there_in_the_next_visit(read: Read, alice: User, complaints: list[str]) -> None:
    made = heard(alice, TALK)
    page = opened(read, made)
    context, address = page.context, page.url
    context.set_offline(True)
    edit(page, 0, " One.")
    expect(page.locator("[data-edit=state]")).to_have_text("Offline, 1 change kept here")
    again = context.new_page()
    page.close()
    context.set_offline(False)
    again.goto(address)
    saved(again)
    assert texts(again)[0] == "Right, we start with the brief. One."
    assert stored(made)[0] == "Right, we start with the brief. One."
    complaints[:] = [line for line in complaints if "ERR_INTERNET_DISCONNECTED" not in line]
