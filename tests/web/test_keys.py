"""The page of API keys: made and shown once, revoked by name, never another's."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.services import api_keys
from tests.conftest import Clock
from tests.web.test_pages import INLINE

PLAINTEXT = re.compile(r"stt_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")


def form_of(page: Client, address: str = "/keys/new/") -> dict[str, Any]:
    """What a browser without scripts would send back untouched."""
    html = page.get(address).content.decode()
    hidden = re.search(r'name="key_id" value="(\w+)"', html)
    name = re.search(r'name="name"[^>]*value="([^"]*)"', html)
    assert hidden
    assert name
    scopes = re.findall(r'name="scopes" value="([\w:]+)" checked', html)
    return {"key_id": hidden[1], "name": name[1], "scopes": scopes, "expiry": ""}


@pytest.mark.parametrize("address", ["/keys/", "/keys/new/"])
def test_the_form_as_it_comes_makes_a_working_key(page: Client, alice: User, address: str) -> None:
    answer = page.post("/keys/", form_of(page, address))
    assert answer.status_code == 200
    html = answer.content.decode()
    (plaintext,) = set(PLAINTEXT.findall(html))
    key = api_keys.find(plaintext)
    assert key is not None
    assert (key.user, key.name, tuple(key.scopes), key.expires_at) == (
        alice,
        "My laptop",
        api_keys.DEFAULT_SCOPES,
        None,
    )
    assert html.count(plaintext) == 4  # the field, and in each of three examples
    assert "We cannot show it again." in html
    assert not INLINE.search(html)


def test_the_key_is_shown_once_and_kept_by_nobody(page: Client) -> None:
    form = form_of(page)
    shown = page.post("/keys/", form)
    assert "no-store" in shown["Cache-Control"]
    (plaintext,) = set(PLAINTEXT.findall(shown.content.decode()))
    for address in ("/keys/", "/keys/?revoked=1", "/keys/new/"):
        later = page.get(address)
        assert plaintext not in later.content.decode()
        assert "no-store" in later["Cache-Control"]
    # A reload of the answer sends the form again.
    again = page.post("/keys/", form, follow=True)
    assert again.redirect_chain == [("/keys/", 302)]
    assert not PLAINTEXT.search(again.content.decode())
    assert "cannot be shown again" in again.content.decode()
    assert ApiKey.objects.count() == 1
    assert plaintext not in str(page.session.items())


def test_name_scopes_and_expiry_are_as_chosen(page: Client, clock: Clock) -> None:
    page.post("/keys/", form_of(page) | {"name": "<b>Script</b>", "scopes": ["transcribe"], "expiry": "30"})
    key = ApiKey.objects.get()
    assert (key.name, key.scopes) == ("<b>Script</b>", ["transcribe"])
    assert key.expires_at == clock.now + timedelta(days=30)
    html = page.get("/keys/").content.decode()
    assert "&lt;b&gt;Script&lt;/b&gt;" in html
    assert "in 30 days" in html


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "Give the key a name."),
        ({"name": "x" * 101}, "100"),
        ({"scopes": []}, "Tick at least one"),
        ({"scopes": ["root"]}, "root"),
        ({"expiry": "7"}, "7 is not one of"),
        ({"key_id": "short"}, "The form came incomplete."),
    ],
)
def test_a_form_that_makes_no_sense_makes_no_key(page: Client, change: dict[str, Any], sentence: str) -> None:
    answer = page.post("/keys/", form_of(page) | {"name": "Kept words"} | change)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "name" in change or "key_id" in change or "Kept words" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_twenty_active_keys_are_the_most(page: Client, alice: User) -> None:
    form = form_of(page)
    for number in range(api_keys.MAX_ACTIVE_KEYS):
        api_keys.create_key(alice, f"Key {number}")
    assert "20 active keys are the most" in page.get("/keys/").content.decode()
    refused = page.post("/keys/", form)
    assert refused.status_code == 409
    assert "Revoke one" in refused.content.decode()
    assert ApiKey.objects.count() == api_keys.MAX_ACTIVE_KEYS


def test_the_prefilled_name_is_a_new_one(page: Client, alice: User) -> None:
    api_keys.create_key(alice, "My laptop")
    assert form_of(page)["name"] == "My laptop 2"


def test_a_key_is_revoked_by_typing_its_name(page: Client, alice: User) -> None:
    key, plaintext = api_keys.create_key(alice, "Podcast script")
    address = f"/keys/{key.pk}/revoke/"
    assert page.get(address).status_code == 200
    for wrong in ("", "podcast", "Podcast script 2"):
        answer = page.post(address, {"name": wrong})
        assert answer.status_code == 400
        assert "Nothing was revoked." in answer.content.decode()
    assert api_keys.find(plaintext)
    assert page.post(address, {"name": "Podcast script "})["Location"] == "/keys/"
    assert api_keys.find(plaintext) is None


def test_revoking_a_key_in_use_warns(page: Client, alice: User, clock: Clock) -> None:
    key, plaintext = api_keys.create_key(alice, "Podcast script")
    assert "It was used" not in page.get(f"/keys/{key.pk}/revoke/").content.decode()
    api_keys.find(plaintext)
    clock.advance(minutes=3)
    assert "It was used 3 min ago." in page.get(f"/keys/{key.pk}/revoke/").content.decode()


def test_revoked_keys_are_behind_a_filter(page: Client, alice: User) -> None:
    key, _ = api_keys.create_key(alice, "Old script")
    api_keys.create_key(alice, "New script")
    api_keys.revoke(key)
    html = page.get("/keys/").content.decode()
    assert "New script" in html
    assert "Old script" not in html
    assert "Show 1 revoked key<" in html
    assert "Old script" in page.get("/keys/?revoked=1").content.decode()


def test_an_expired_key_says_so(page: Client, alice: User) -> None:
    api_keys.create_key(alice, "Tests", expires_at=timezone.now() - timedelta(minutes=1))
    assert ">expired<" in page.get("/keys/").content.decode()


def test_nobody_sees_or_revokes_the_key_of_another(stranger: Client, alice: User) -> None:
    key, plaintext = api_keys.create_key(alice, "Alice's secret project")
    assert "secret project" not in stranger.get("/keys/?revoked=1").content.decode()
    assert stranger.get(f"/keys/{key.pk}/revoke/").status_code == 404
    assert stranger.post(f"/keys/{key.pk}/revoke/", {"name": key.name}).status_code == 404
    assert api_keys.find(plaintext)


def test_one_form_makes_one_key_even_for_somebody_else(page: Client, stranger: Client) -> None:
    form = form_of(page)
    page.post("/keys/", form)
    assert stranger.post("/keys/", form).status_code == 409
    assert ApiKey.objects.count() == 1


def test_a_form_of_another_site_makes_no_key(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.post("/keys/", form_of(browser)).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_key_that_may_not_transcribe_offers_no_try(page: Client) -> None:
    html = page.post("/keys/", form_of(page) | {"scopes": ["read"]}).content.decode()
    assert "data-run" not in html
    assert PLAINTEXT.search(html)


def test_a_key_may_have_minutes_of_its_own(page: Client) -> None:
    page.post("/keys/", form_of(page) | {"monthly_minutes": "1200"})
    assert ApiKey.objects.get().monthly_minutes == 1200
    assert "1,200 min a month at most" in page.get("/keys/").content.decode()


@pytest.mark.parametrize("minutes", ["0", "-5", "1.5", "many", "99999999999"])
def test_minutes_that_make_no_sense_make_no_key(page: Client, minutes: str) -> None:
    answer = page.post("/keys/", form_of(page) | {"monthly_minutes": minutes})
    assert answer.status_code == 400
    assert 'id="minutes-error"' in answer.content.decode()
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(("overlap", "hours"), [("1", 1), ("24", 24), ("72", 72)])
def test_rolling_gives_a_new_key_now_and_the_old_one_time(
    page: Client, alice: User, clock: Clock, overlap: str, hours: int
) -> None:
    old, old_text = api_keys.create_key(alice, "Podcast script", ["transcribe"])
    assert f'href="/keys/{old.pk}/roll/"' in page.get("/keys/").content.decode()
    assert 'value="24" required checked' in page.get(f"/keys/{old.pk}/roll/").content.decode()
    answer = page.post(f"/keys/{old.pk}/roll/", {"overlap": overlap})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (plaintext,) = set(PLAINTEXT.findall(html))
    made = api_keys.find(plaintext)
    assert made is not None
    assert (made.name, made.scopes) == ("Podcast script", ["transcribe"])
    assert f"The old key works for {hours} hour" in html
    assert "replaced" in html
    assert api_keys.find(old_text)
    clock.advance(hours=hours)
    assert api_keys.find(old_text) is None
    assert api_keys.find(plaintext)


def test_rolling_at_once_revokes_and_a_form_sent_twice_rolls_once(page: Client, alice: User) -> None:
    old, old_text = api_keys.create_key(alice, "Podcast script")
    html = page.post(f"/keys/{old.pk}/roll/", {"overlap": "0"}).content.decode()
    assert "The old key is revoked" in html
    assert api_keys.find(old_text) is None
    again = page.post(f"/keys/{old.pk}/roll/", {"overlap": "0"}, follow=True)
    assert again.redirect_chain == [("/keys/", 302)]
    assert not PLAINTEXT.search(again.content.decode())
    assert ApiKey.objects.count() == 2


def test_an_overlap_that_is_not_offered_changes_nothing(page: Client, alice: User) -> None:
    old, _ = api_keys.create_key(alice, "Podcast script")
    answer = page.post(f"/keys/{old.pk}/roll/", {"overlap": "8760"})
    assert answer.status_code == 400
    assert "Nothing was changed." in answer.content.decode()
    assert ApiKey.objects.count() == 1


def test_what_has_ended_and_what_is_anothers_cannot_be_rolled(page: Client, stranger: Client, alice: User) -> None:
    ended, _ = api_keys.create_key(alice, "Tests", expires_at=timezone.now() - timedelta(minutes=1))
    living, _ = api_keys.create_key(alice, "Alive")
    assert page.post(f"/keys/{ended.pk}/roll/", {"overlap": "1"})["Location"] == "/keys/"
    assert stranger.get(f"/keys/{living.pk}/roll/").status_code == 404
    assert stranger.post(f"/keys/{living.pk}/roll/", {"overlap": "1"}).status_code == 404
    assert ApiKey.objects.count() == 2
