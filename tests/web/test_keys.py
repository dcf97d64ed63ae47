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
